package io.ballast.testing;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** What a logger is told while this is open. */
public final class HeardLog implements AutoCloseable {
  private final List<String> messages = new CopyOnWriteArrayList<>();
  private final Logger logger; // held here: java.util.logging holds it weakly
  private final Level usual;
  private final Handler handler =
      new Handler() {
        @Override
        public void publish(LogRecord entry) {
          messages.add(
              entry.getThrown() == null
                  ? entry.getMessage()
                  : entry.getMessage() + ": " + entry.getThrown());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  private HeardLog(Logger logger, Level least) {
    this.logger = logger;
    this.usual = logger.getLevel();
    handler.setLevel(least);
    logger.setLevel(least);
    logger.addHandler(handler);
  }

  /** Hears what the logger of this name is told at {@code least} and above. */
  public static HeardLog of(String name, Level least) {
    return new HeardLog(Logger.getLogger(name), least);
  }

  /** The messages by now, each with the exception that came with it. */
  public List<String> messages() {
    return List.copyOf(messages);
  }

  @Override
  public void close() {
    logger.removeHandler(handler);
    logger.setLevel(usual);
  }
}
