package dev.palimpsest.storage.file;

class LocalDiskDirectTest extends LocalDiskContract {
    @Override
    LocalDiskSettings.Mode mode() {
        return LocalDiskSettings.Mode.DIRECT;
    }
}
