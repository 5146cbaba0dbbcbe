"""What the database itself refuses, whoever asks: a changed journal, a home that turns real, a second sequencer row."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION kernel_fact_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.payload IS NOT NULL AND NEW.payload IS NULL AND NEW.salt IS NULL
       AND ROW(NEW.id, NEW.xid, NEW.name, NEW.case_id, NEW.subject, NEW.person, NEW.org, NEW.recorded_at,
               NEW.effective_on, NEW.digest, NEW.digest_sm3)
           IS NOT DISTINCT FROM
           ROW(OLD.id, OLD.xid, OLD.name, OLD.case_id, OLD.subject, OLD.person, OLD.org, OLD.recorded_at,
               OLD.effective_on, OLD.digest, OLD.digest_sm3) THEN
        RETURN NEW;  -- erasure that law demands: payload and salt go together, the commitment stays
    END IF;
    RAISE EXCEPTION 'the journal is append-only';
END $$;
CREATE TRIGGER kernel_fact_append_only BEFORE UPDATE OR DELETE ON kernel_fact
    FOR EACH ROW EXECUTE FUNCTION kernel_fact_guard();

CREATE FUNCTION kernel_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER kernel_position_append_only BEFORE UPDATE OR DELETE ON kernel_position
    FOR EACH ROW EXECUTE FUNCTION kernel_refuse();
CREATE TRIGGER kernel_rulesetcopy_append_only BEFORE UPDATE OR DELETE ON kernel_rulesetcopy
    FOR EACH ROW EXECUTE FUNCTION kernel_refuse();

CREATE FUNCTION kernel_home_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.mode <> OLD.mode OR NEW.venue <> OLD.venue OR NEW.id <> OLD.id
       OR (NEW.mode <> 'demo' AND NEW.clock_shift <> 0) OR NEW.clock_shift < OLD.clock_shift THEN
        RAISE EXCEPTION 'a home keeps its mode and venue; only a demonstration clock may be moved, and only forward up to the present';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER kernel_homemark_guard BEFORE UPDATE OR DELETE ON kernel_homemark
    FOR EACH ROW EXECUTE FUNCTION kernel_home_guard();
ALTER TABLE kernel_homemark ADD CONSTRAINT homemark_one CHECK (id = 1 AND clock_shift <= 0 AND (mode = 'demo' OR clock_shift = 0));

ALTER TABLE kernel_sequencerstate ADD CONSTRAINT sequencer_one CHECK (id = 1);
"""

BACKWARD = """
DROP TRIGGER kernel_fact_append_only ON kernel_fact;
DROP TRIGGER kernel_position_append_only ON kernel_position;
DROP TRIGGER kernel_rulesetcopy_append_only ON kernel_rulesetcopy;
DROP TRIGGER kernel_homemark_guard ON kernel_homemark;
DROP FUNCTION kernel_fact_guard; DROP FUNCTION kernel_refuse; DROP FUNCTION kernel_home_guard;
ALTER TABLE kernel_homemark DROP CONSTRAINT homemark_one;
ALTER TABLE kernel_sequencerstate DROP CONSTRAINT sequencer_one;
"""


class Migration(migrations.Migration):
    dependencies = [("kernel", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
