"""What the book said and what was issued never changes: versions, shares, certificates and trade records are
insert-only, by trigger."""

from django.db import migrations

TABLES = ("registry_entryversion", "registry_share", "registry_certificate", "registry_traderecord",
          "registry_lineage", "registry_link")
UP = """
CREATE FUNCTION registry_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME;
END $$;
""" + "".join(
    f"CREATE TRIGGER {t}_immutable BEFORE UPDATE OR DELETE ON {t} FOR EACH ROW EXECUTE FUNCTION registry_immutable();\n"
    for t in TABLES
)
DOWN = "".join(f"DROP TRIGGER {t}_immutable ON {t};\n" for t in TABLES) + "DROP FUNCTION registry_immutable();"


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]
    operations = [migrations.RunSQL(UP, DOWN)]
