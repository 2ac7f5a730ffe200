"""What back ends share: targets, writer, operator printing, templates, provenance, memory layout."""
