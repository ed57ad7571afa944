package dev.palimpsest.pageserver.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PasswordFileTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "-", textBlock = """
        db:5432:replication:me:secret        | secret
        db:5432:shop:me:secret               | secret
        *:*:*:*:any                          | any
        other:*:*:*:any                      | -
        db:5433:*:*:any                      | -
        db:*:template1:*:any                 | -
        db:*:*:you:any                       | -
        db:*:*:me:a\\:b\\\\c                 | a:b\\c
        db:*:*:me:cut:here                   | cut
        d\\b:5432:*:me:escaped               | escaped
        db:*:*:me                            | -
        #db:*:*:me:comment                   | -
        db:*:*:\\*:star                      | -
        db:*:*:*me:star                      | -
        ''                                   | -
        """)
    void lines(String line, String password) {
        assertThat(PasswordFile.match(line, List.of("db"), "5432", List.of("shop", "replication"), "me"))
                .isEqualTo(password);
    }
}
