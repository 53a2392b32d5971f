//! Module list and `_PG_init`; no logic lives here.

::pgrx::pg_module_magic!(name, version);
