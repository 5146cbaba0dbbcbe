"""Search of the book in Chinese at a million lines: bigrams of the title's key, and the newest lines first.

The function is of the database, so that every line is found whoever wrote it. `title_key` (domain.title_key) holds letters
and digits only, in one spelling; a bigram index of it finds any piece of a title, whatever the script.
"""

from django.db import migrations

GRAMS = """
CREATE FUNCTION registry_grams(key text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 200 AS $$
    SELECT coalesce(array_agg(DISTINCT gram), '{}')
    FROM (SELECT substr(key, n, size) AS gram FROM generate_series(1, length(key)) n, generate_series(1, 2) size
          WHERE n + size <= length(key) + 1) pieces
$$
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0003_imports")]

    operations = [
        migrations.RunSQL(GRAMS, "DROP FUNCTION registry_grams(text)"),
        migrations.RunSQL(
            "CREATE INDEX registry_entry_grams ON registry_entry USING gin (registry_grams(title_key))",
            "DROP INDEX registry_entry_grams",
        ),
        migrations.RunSQL(
            "CREATE INDEX registry_entry_newest ON registry_entry (entered_on DESC, id DESC)",
            "DROP INDEX registry_entry_newest",
        ),
    ]
