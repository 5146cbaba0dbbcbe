"""What the database itself refuses: a changed posting or bank line, a reservation closed twice or reopened."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION settlement_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER settlement_posting_append_only BEFORE UPDATE OR DELETE ON settlement_posting
    FOR EACH ROW EXECUTE FUNCTION settlement_refuse();
CREATE TRIGGER settlement_statementline_append_only BEFORE UPDATE OR DELETE ON settlement_statementline
    FOR EACH ROW EXECUTE FUNCTION settlement_refuse();
CREATE TRIGGER settlement_bankstatement_append_only BEFORE UPDATE OR DELETE ON settlement_bankstatement
    FOR EACH ROW EXECUTE FUNCTION settlement_refuse();

CREATE FUNCTION settlement_reservation_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'pending' OR NEW.state NOT IN ('posted', 'voided', 'expired')
       OR ROW(NEW.reference, NEW.source_id, NEW.amount, NEW.escrow_id, NEW.reserved_at)
          IS DISTINCT FROM ROW(OLD.reference, OLD.source_id, OLD.amount, OLD.escrow_id, OLD.reserved_at) THEN
        RAISE EXCEPTION 'a reservation is closed once and never changed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER settlement_reservation_once BEFORE UPDATE OR DELETE ON settlement_reservation
    FOR EACH ROW EXECUTE FUNCTION settlement_reservation_guard();
"""

BACKWARD = """
DROP TRIGGER settlement_posting_append_only ON settlement_posting;
DROP TRIGGER settlement_statementline_append_only ON settlement_statementline;
DROP TRIGGER settlement_bankstatement_append_only ON settlement_bankstatement;
DROP TRIGGER settlement_reservation_once ON settlement_reservation;
DROP FUNCTION settlement_refuse;
DROP FUNCTION settlement_reservation_guard;
"""


class Migration(migrations.Migration):
    dependencies = [("settlement", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
