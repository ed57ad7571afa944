package dev.palimpsest.storage.layer.residency;

import dev.palimpsest.storage.layer.LayerReferences;
import dev.palimpsest.storage.layer.file.LayerFileReader;
import dev.palimpsest.storage.runtime.Signal;

/** Where a layer's file is, and who is about to change that. {@link StoredLayer} draws how one follows the other. */
sealed interface Residence permits Residence.Here, Residence.Away, Residence.Leaving, Residence.Gone, Download {
    /** Only the object store has it. */
    Away AWAY = new Away();

    /**
     * The file is here.
     *
     * @param reader of this stay of the file; another stay has another
     */
    record Here(LayerFileReader reader) implements Residence {}

    /** As {@link #AWAY}. */
    record Away() implements Residence {}

    /**
     * Somebody is evicting the file; nobody may begin to read it.
     *
     * @param signal told when that is over
     */
    record Leaving(Signal signal) implements Residence {}

    /** The owner has let go of the layer, and nobody reads it any more. */
    record Gone(LayerReferences.Fate fate) implements Residence {}
}
