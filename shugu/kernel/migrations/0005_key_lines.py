"""The venue's key history: lines that only grow."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kernel", "0004_positions")]
    operations = [
        migrations.CreateModel(
            name="KeyLine",
            fields=[
                ("n", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("line", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(
            "CREATE TRIGGER kernel_keyline_append_only BEFORE UPDATE OR DELETE ON kernel_keyline "
            "FOR EACH ROW EXECUTE FUNCTION kernel_refuse()",
            "DROP TRIGGER kernel_keyline_append_only ON kernel_keyline",
        ),
    ]
