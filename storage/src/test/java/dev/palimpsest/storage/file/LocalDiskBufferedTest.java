package dev.palimpsest.storage.file;

class LocalDiskBufferedTest extends LocalDiskContract {
    @Override
    LocalDiskSettings.Mode mode() {
        return LocalDiskSettings.Mode.BUFFERED;
    }
}
