package dev.palimpsest.postgres.datadir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigurationLineTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "port = 5432|port|5432",
                "port=5432# x|port|5432",
                "Port   5432|port|5432",
                "\tshared_buffers = 128MB\t\t# min 128kB|shared_buffers|128MB",
                "a.B = 'it''s \\'q\\' \\\\ \\101 #'  # c|a.b|it's 'q' \\ A #",
                "include_dir 'conf.d'|include_dir|conf.d",
                "archive_command=''|archive_command|~~",
                "random_page_cost = 1.1|random_page_cost|1.1",
                "data_directory = '/var/lib/postgresql/17/main'|data_directory|/var/lib/postgresql/17/main"
            })
    void understandsSettings(String text, String name, String value) {
        ConfigurationLine line = ConfigurationLine.parse(text);
        assertThat(line).isEqualTo(new ConfigurationLine(text, name, value));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "   ", "# port = 5432", "port", "= 5", "port = 'open", "port = 5432 6"})
    void leavesAloneWhatSetsNothing(String text) {
        assertThat(ConfigurationLine.parse(text)).isEqualTo(new ConfigurationLine(text, "", ""));
    }

    @Test
    void writesSettingsThatReadBack() {
        String value = "it's a \\ back # slash";
        ConfigurationLine line = ConfigurationLine.parse(ConfigurationLine.setting("x", value));
        assertThat(line.value()).isEqualTo(value);
        assertThatThrownBy(() -> ConfigurationLine.setting("x", "a\nport = 1"))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
