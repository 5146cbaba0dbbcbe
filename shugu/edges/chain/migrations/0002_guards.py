"""What the database itself refuses: a final anchor that changes or goes, a stored transaction that becomes another."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION chain_anchor_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'confirmed' OR TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a final anchor stays, and no anchor goes';
    END IF;
    IF NEW.size <> OLD.size OR NEW.root <> OLD.root OR NEW.signature <> OLD.signature OR NEW.contract <> OLD.contract
       OR NEW.chain_id <> OLD.chain_id THEN
        RAISE EXCEPTION 'what was signed stays';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER chain_anchor_stays BEFORE UPDATE OR DELETE ON chain_anchor
    FOR EACH ROW EXECUTE FUNCTION chain_anchor_guard();
CREATE FUNCTION chain_sending_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.tx_hash IS DISTINCT FROM OLD.tx_hash OR NEW.raw IS DISTINCT FROM OLD.raw
       OR NEW.anchor_id <> OLD.anchor_id THEN
        RAISE EXCEPTION 'what was sent stays';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER chain_sending_stays BEFORE UPDATE OR DELETE ON chain_sending
    FOR EACH ROW EXECUTE FUNCTION chain_sending_guard();
ALTER TABLE chain_anchor ADD CONSTRAINT chain_anchor_bytes
    CHECK (octet_length(root) = 32 AND octet_length(signature) = 65 AND size > previous AND previous >= 0);
"""

BACKWARD = """
DROP TRIGGER chain_anchor_stays ON chain_anchor;
DROP TRIGGER chain_sending_stays ON chain_sending;
DROP FUNCTION chain_anchor_guard; DROP FUNCTION chain_sending_guard;
ALTER TABLE chain_anchor DROP CONSTRAINT chain_anchor_bytes;
"""


class Migration(migrations.Migration):
    dependencies = [("chain", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
