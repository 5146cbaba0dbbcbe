"""What the database itself refuses: that what was seen of another venue shrinks, or that a history, or proof against it, goes."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION federation_seen_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.size < OLD.size OR (NEW.size = OLD.size AND NEW.note <> OLD.note) THEN
        RAISE EXCEPTION 'a checkpoint that was seen is replaced by a larger one only';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER federation_seen_grows BEFORE UPDATE OR DELETE ON federation_seen
    FOR EACH ROW EXECUTE FUNCTION federation_seen_guard();
CREATE FUNCTION federation_list_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.url <> OLD.url OR NEW.version <= OLD.version THEN
        RAISE EXCEPTION 'a status list that was seen is replaced by a later version only';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER federation_list_grows BEFORE UPDATE OR DELETE ON federation_seenlist
    FOR EACH ROW EXECUTE FUNCTION federation_list_guard();
CREATE FUNCTION federation_kept_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what a venue published or signed against itself stays';
END $$;
CREATE TRIGGER federation_history_stays BEFORE UPDATE OR DELETE ON federation_peerhistory
    FOR EACH ROW EXECUTE FUNCTION federation_kept_guard();
CREATE TRIGGER federation_contradiction_stays BEFORE UPDATE OR DELETE ON federation_contradiction
    FOR EACH ROW EXECUTE FUNCTION federation_kept_guard();
"""

BACKWARD = """
DROP TRIGGER federation_seen_grows ON federation_seen;
DROP TRIGGER federation_list_grows ON federation_seenlist;
DROP TRIGGER federation_history_stays ON federation_peerhistory;
DROP TRIGGER federation_contradiction_stays ON federation_contradiction;
DROP FUNCTION federation_seen_guard; DROP FUNCTION federation_list_guard; DROP FUNCTION federation_kept_guard;
"""


class Migration(migrations.Migration):
    dependencies = [("federation", "0006_settling")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
