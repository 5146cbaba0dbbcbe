"""Terms of writers: a fencing token beside the state, and the guard that knows it."""

from django.db import migrations, models

FORWARD = """
CREATE OR REPLACE FUNCTION evidence_log_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.id = OLD.id THEN
        IF NEW.size > OLD.size AND NEW.epoch = OLD.epoch AND NEW.holder = OLD.holder THEN
            RETURN NEW;  -- the present writer grows the log
        END IF;
        IF NEW.epoch = OLD.epoch + 1 AND NEW.holder <> OLD.holder
           AND ROW(NEW.size, NEW.root, NEW.frontier, NEW.checkpoint, NEW.signed_at)
               IS NOT DISTINCT FROM ROW(OLD.size, OLD.root, OLD.frontier, OLD.checkpoint, OLD.signed_at) THEN
            RETURN NEW;  -- a new term begins, over the same tree
        END IF;
    END IF;
    RAISE EXCEPTION 'the log only grows';
END $$;
"""

BACKWARD = """
CREATE OR REPLACE FUNCTION evidence_log_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.id <> OLD.id OR NEW.size <= OLD.size THEN
        RAISE EXCEPTION 'the log only grows';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("evidence", "0002_guards")]
    operations = [
        migrations.AddField("logstate", "epoch", models.BigIntegerField(default=0)),
        migrations.AddField("logstate", "holder", models.CharField(default="", max_length=32)),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
