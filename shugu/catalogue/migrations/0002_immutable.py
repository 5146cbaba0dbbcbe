"""A version of a product never changes: a contract that names it must find it as it was."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION catalogue_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: a version is never changed; make a new one', TG_TABLE_NAME;
END $$;
CREATE TRIGGER catalogue_productversion_keep BEFORE UPDATE OR DELETE ON catalogue_productversion
    FOR EACH ROW EXECUTE FUNCTION catalogue_keep();
"""

BACKWARD = """
DROP TRIGGER catalogue_productversion_keep ON catalogue_productversion;
DROP FUNCTION catalogue_keep;
"""


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
