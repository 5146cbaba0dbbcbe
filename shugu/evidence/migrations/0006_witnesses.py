"""Witnesses, ours and us as one: what is public, what was cosigned, and logs of others that never go back."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION evidence_published_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.id <> OLD.id OR NEW.size < OLD.size OR (NEW.size = OLD.size AND NEW.root <> OLD.root) THEN
        RAISE EXCEPTION 'the public checkpoint only grows';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER evidence_published_grows BEFORE UPDATE OR DELETE ON evidence_published
    FOR EACH ROW EXECUTE FUNCTION evidence_published_guard();
ALTER TABLE evidence_published ADD CONSTRAINT published_one CHECK (id = 1 AND size >= 0 AND octet_length(root) = 32);

CREATE FUNCTION evidence_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'this row stays';
END $$;
CREATE TRIGGER evidence_cosignature_kept BEFORE UPDATE OR DELETE ON evidence_cosignature
    FOR EACH ROW EXECUTE FUNCTION evidence_kept();
CREATE TRIGGER evidence_alarm_kept BEFORE UPDATE OR DELETE ON evidence_witnessalarm
    FOR EACH ROW EXECUTE FUNCTION evidence_kept();

CREATE FUNCTION evidence_witnessed_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.origin <> OLD.origin OR NEW.size < OLD.size
       OR (NEW.size = OLD.size AND NEW.root <> OLD.root) THEN
        RAISE EXCEPTION 'what was cosigned is not taken back';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER evidence_witnessed_grows BEFORE UPDATE OR DELETE ON evidence_witnessedlog
    FOR EACH ROW EXECUTE FUNCTION evidence_witnessed_guard();
"""

BACKWARD = """
DROP TRIGGER evidence_published_grows ON evidence_published;
DROP TRIGGER evidence_cosignature_kept ON evidence_cosignature;
DROP TRIGGER evidence_alarm_kept ON evidence_witnessalarm;
DROP TRIGGER evidence_witnessed_grows ON evidence_witnessedlog;
DROP FUNCTION evidence_published_guard; DROP FUNCTION evidence_kept; DROP FUNCTION evidence_witnessed_guard;
ALTER TABLE evidence_published DROP CONSTRAINT published_one;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('evidence', '0005_deposit'),
    ]

    operations = [
        migrations.CreateModel(
            name='Published',
            fields=[
                ('id', models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ('size', models.BigIntegerField()),
                ('root', models.BinaryField()),
                ('note', models.BinaryField()),
                ('published_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='WitnessedLog',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('origin', models.CharField(max_length=200, unique=True)),
                ('log_id', models.CharField(max_length=64, unique=True)),
                ('vkeys', models.TextField()),
                ('size', models.BigIntegerField(default=0)),
                ('root', models.BinaryField()),
                ('note', models.BinaryField(default=b'')),
                ('cosigned_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='WitnessTrouble',
            fields=[
                ('vkey', models.CharField(max_length=400, primary_key=True, serialize=False)),
                ('code', models.CharField(max_length=20)),
                ('since', models.DateTimeField()),
                ('last', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Cosignature',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('size', models.BigIntegerField()),
                ('root', models.BinaryField()),
                ('vkey', models.CharField(max_length=400)),
                ('line', models.TextField()),
                ('cosigned_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['vkey', '-size'], name='evidence_cosigned')],
            },
        ),
        migrations.CreateModel(
            name='WitnessAlarm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('size', models.BigIntegerField()),
                ('root', models.BinaryField()),
                ('first', models.BinaryField()),
                ('second', models.BinaryField()),
                ('proven', models.BooleanField()),
                ('raised_at', models.DateTimeField()),
                ('log', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='evidence.witnessedlog')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('log', 'size', 'root', 'proven'), name='evidence_alarm_once')],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
