package io.ballast.inference.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Lines of events: what ends one, and how long one may be. */
class EventLinesTest {
  private static List<String> lines(String text, int maxCharacters) throws IOException {
    EventLines lines =
        new EventLines(
            new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), maxCharacters);
    List<String> read = new ArrayList<>();
    for (String line = lines.next(); line != null; line = lines.next()) {
      read.add(line);
    }
    return read;
  }

  @Test
  void eachOfThreeEndsEndsALine() throws IOException {
    assertThat(lines("a\nb\rc\r\nd\n\ne\r\n\r\nf\r\rg", 9))
        .containsExactly("a", "b", "c", "d", "", "e", "", "f", "", "g");
    assertThat(lines("a\n", 9)).containsExactly("a");
    assertThat(lines("", 9)).isEmpty();
  }

  @Test
  void theLimitIsOfCharactersAndIncludesIt() throws IOException {
    assertThat(lines("äöü\n123", 3)).containsExactly("äöü", "123");
    assertThatThrownBy(() -> lines("123\n1234\n", 3))
        .isInstanceOf(EventLines.TooLongException.class)
        .hasMessage("a line of more than 3 characters");
  }

  @Test
  void aLineWithoutEndIsNotReadForEver() {
    AtomicLong sent = new AtomicLong();
    InputStream endless =
        new InputStream() {
          @Override
          public int read() {
            sent.incrementAndGet();
            return 'x';
          }
        };
    EventLines lines = new EventLines(endless, 100_000);

    assertThatThrownBy(lines::next).isInstanceOf(EventLines.TooLongException.class);
    assertThat(sent.get()).as("the limit and what the readers take ahead").isLessThan(200_000);
  }
}
