"""A valuation report once delivered stays as it is, but for its withdrawal and for its disclosure, each once."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION appraisal_valuation_keep() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    later text[] := ARRAY['withdrawn_at', 'withdrawn_ground', 'withdrawn_document', 'disclosed_at'];
BEGIN
    IF TG_OP = 'DELETE' OR (to_jsonb(NEW) - later) IS DISTINCT FROM (to_jsonb(OLD) - later)
        OR (OLD.disclosed_at IS NOT NULL AND NEW.disclosed_at IS DISTINCT FROM OLD.disclosed_at)
        OR (OLD.withdrawn_at IS NOT NULL AND (NEW.withdrawn_at, NEW.withdrawn_ground, NEW.withdrawn_document)
            IS DISTINCT FROM (OLD.withdrawn_at, OLD.withdrawn_ground, OLD.withdrawn_document))
        OR (NEW.withdrawn_at IS NULL AND (NEW.withdrawn_ground <> '' OR NEW.withdrawn_document <> ''))
    THEN
        RAISE EXCEPTION '%: a delivered report is never changed; file a newer one or withdraw it', TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER appraisal_valuationreport_keep BEFORE UPDATE OR DELETE ON appraisal_valuationreport
    FOR EACH ROW WHEN (OLD.delivered_at IS NOT NULL) EXECUTE FUNCTION appraisal_valuation_keep();
"""

BACKWARD = """
DROP TRIGGER appraisal_valuationreport_keep ON appraisal_valuationreport;
DROP FUNCTION appraisal_valuation_keep;
"""


class Migration(migrations.Migration):
    dependencies = [("appraisal", "0004_valuation")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
