"""Which fact names a document: the one that is opened with it when it is sealed."""

from __future__ import annotations

from typing import Final

from django.db import connection

from shugu.kernel import publishing
from shugu.kernel.errors import NotFound

_NAMING: Final = """
SELECT f.id FROM kernel_fact f LEFT JOIN kernel_position p ON p.fact_id = f.id
WHERE f.payload LIKE '%%"digests":{%%' AND evidence_named(f.payload) @> to_jsonb(ARRAY[%s::text])
ORDER BY f.name <> %s, f.id LIMIT 1
"""


def naming_fact(digest: str) -> int:
    """The fact that publishes the document with that digest, else the first that names it. Errors: NotFound."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMING, [digest, publishing.PUBLISHED])
        row = cursor.fetchone()
    if row is None:
        raise NotFound(what=("该摘要的存证", "evidence of this digest"))
    return int(row[0])
