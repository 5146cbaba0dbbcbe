"""A quality report once taken, and a compliance report once delivered, stay as they are, whoever asks."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION appraisal_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: a report is never changed; take or file a newer one', TG_TABLE_NAME;
END $$;
CREATE TRIGGER appraisal_qualityreport_keep BEFORE UPDATE OR DELETE ON appraisal_qualityreport
    FOR EACH ROW EXECUTE FUNCTION appraisal_keep();
CREATE TRIGGER appraisal_compliancereport_keep BEFORE UPDATE OR DELETE ON appraisal_compliancereport
    FOR EACH ROW WHEN (OLD.delivered_at IS NOT NULL) EXECUTE FUNCTION appraisal_keep();
"""

BACKWARD = """
DROP TRIGGER appraisal_qualityreport_keep ON appraisal_qualityreport;
DROP TRIGGER appraisal_compliancereport_keep ON appraisal_compliancereport;
DROP FUNCTION appraisal_keep;
"""


class Migration(migrations.Migration):
    dependencies = [("appraisal", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
