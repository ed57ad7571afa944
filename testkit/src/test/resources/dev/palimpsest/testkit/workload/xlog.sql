SELECT pg_switch_wal()

SELECT pg_create_restore_point('here')

-- before 15
SELECT pg_start_backup('backup', true)

-- before 15
SELECT pg_stop_backup()

-- since 15
SELECT pg_backup_start('backup', true)

-- since 15
SELECT pg_backup_stop()
