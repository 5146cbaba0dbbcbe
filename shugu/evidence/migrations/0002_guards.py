"""What the database itself refuses: a log that shrinks or takes back a root, a changed checkpoint. And one index:
which fact names a document's digest."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION evidence_log_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.id <> OLD.id OR NEW.size <= OLD.size THEN
        RAISE EXCEPTION 'the log only grows';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER evidence_logstate_grows BEFORE UPDATE OR DELETE ON evidence_logstate
    FOR EACH ROW EXECUTE FUNCTION evidence_log_guard();
ALTER TABLE evidence_logstate ADD CONSTRAINT log_one
    CHECK (id = 1 AND size >= 0 AND octet_length(root) = 32 AND octet_length(frontier) % 32 = 0);

CREATE FUNCTION evidence_checkpoint_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'a signed checkpoint stays';
    END IF;
    IF EXISTS (SELECT 1 FROM evidence_checkpoint WHERE size >= NEW.size) THEN
        RAISE EXCEPTION 'a checkpoint never shrinks';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER evidence_checkpoint_grows BEFORE INSERT OR UPDATE OR DELETE ON evidence_checkpoint
    FOR EACH ROW EXECUTE FUNCTION evidence_checkpoint_guard();

CREATE FUNCTION evidence_named(payload text) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
    $$ SELECT jsonb_path_query_array(payload::jsonb, '$.digests.*') $$;
CREATE INDEX evidence_named_digest ON kernel_fact USING gin (evidence_named(payload) jsonb_path_ops)
    WHERE payload LIKE '%"digests":{%';
"""

BACKWARD = """
DROP INDEX evidence_named_digest;
DROP FUNCTION evidence_named;
DROP TRIGGER evidence_logstate_grows ON evidence_logstate;
DROP TRIGGER evidence_checkpoint_grows ON evidence_checkpoint;
DROP FUNCTION evidence_log_guard; DROP FUNCTION evidence_checkpoint_guard;
ALTER TABLE evidence_logstate DROP CONSTRAINT log_one;
"""


class Migration(migrations.Migration):
    dependencies = [("evidence", "0001_initial"), ("kernel", "0002_guards")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
