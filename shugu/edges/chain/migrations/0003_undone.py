"""A final anchor may be undone by a re-organisation deeper than the confirmations: told apart, and nothing else changes."""

from django.db import migrations, models
from django.db.models import Q

FORWARD = """
CREATE OR REPLACE FUNCTION chain_anchor_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status = 'undone' THEN
        RAISE EXCEPTION 'a final anchor stays, and no anchor goes';
    END IF;
    IF OLD.status = 'confirmed' AND (NEW.status <> 'undone'
       OR to_jsonb(NEW) - 'status' IS DISTINCT FROM to_jsonb(OLD) - 'status') THEN
        RAISE EXCEPTION 'a final anchor stays, and no anchor goes';
    END IF;
    IF NEW.size <> OLD.size OR NEW.root <> OLD.root OR NEW.signature <> OLD.signature OR NEW.contract <> OLD.contract
       OR NEW.chain_id <> OLD.chain_id THEN
        RAISE EXCEPTION 'what was signed stays';
    END IF;
    RETURN NEW;
END $$;
"""

BACKWARD = """
CREATE OR REPLACE FUNCTION chain_anchor_guard() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""


class Migration(migrations.Migration):
    dependencies = [("chain", "0002_guards")]
    operations = [
        migrations.RemoveConstraint("anchor", "chain_block_when_mined"),
        migrations.RemoveConstraint("anchor", "chain_fact_when_confirmed"),
        migrations.AddConstraint(
            "anchor",
            models.CheckConstraint(
                condition=Q(status__in=["mined", "confirmed", "undone"], block_hash__isnull=False, tx_hash__isnull=False)
                | Q(status__in=["prepared", "sent", "replaced", "failed"], block_hash__isnull=True),
                name="chain_block_when_mined",
            ),
        ),
        migrations.AddConstraint(
            "anchor",
            models.CheckConstraint(
                condition=Q(status__in=["confirmed", "undone"], fact__isnull=False, confirmed_at__isnull=False)
                | (~Q(status__in=["confirmed", "undone"]) & Q(fact__isnull=True, confirmed_at__isnull=True)),
                name="chain_fact_when_confirmed",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
