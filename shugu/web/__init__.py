"""The look of every page: shell, components, forms, tables, charts, slots."""
