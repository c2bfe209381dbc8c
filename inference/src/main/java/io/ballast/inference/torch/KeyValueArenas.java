package io.ballast.inference.torch;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The keys and values of all rows whose prompt is computed, an arena for each length class. A row
 * moves to the next class when it outgrows its own.
 */
final class KeyValueArenas implements AutoCloseable {
  private final LengthClasses classes;
  private final long limitBytes;
  private final List<KeyValueArena> arenas = new ArrayList<>();

  /**
   * Starts without memory.
   *
   * @param limitBytes beyond which no arena keeps places in reserve
   */
  KeyValueArenas(DecoderConfig config, ScalarType type, LengthClasses classes, long limitBytes) {
    this.classes = classes;
    this.limitBytes = limitBytes;
    for (int i = 0; i < classes.count(); i++) {
      arenas.add(new KeyValueArena(config, type, classes.tokens(i)));
    }
  }

  /** The arenas, those of short rows first. */
  List<KeyValueArena> all() {
    return arenas;
  }

  /** What the arenas take, places in reserve included. */
  long bytes() {
    long bytes = 0;
    for (int i = 0; i < arenas.size(); i++) {
      bytes += arenas.get(i).capacity() * classes.bytes(i);
    }
    return bytes;
  }

  /** How many rows there are. */
  int rows() {
    int rows = 0;
    for (KeyValueArena arena : arenas) {
      rows += arena.rows().size();
    }
    return rows;
  }

  /**
   * Returns the arena for rows of so many tokens, with memory for {@code more} rows.
   *
   * @param otherBytes what is taken outside the arenas
   */
  KeyValueArena withRoom(int tokens, int more, long otherBytes) {
    int index = classes.indexOf(tokens);
    KeyValueArena arena = arenas.get(index);
    int needed = arena.rows().size() + more;
    if (needed <= arena.capacity()) {
      return arena;
    }
    int wished = Math.max(needed, 2 * arena.capacity());
    int places = affordable(index, otherBytes);
    if (places < wished) {
      trim();
      places = affordable(index, otherBytes);
    }
    arena.resize(Math.max(needed, Math.min(wished, places)));
    return arena;
  }

  /** How many places an arena may have beside what the others take. */
  private int affordable(int index, long otherBytes) {
    long others = bytes() - arenas.get(index).capacity() * classes.bytes(index);
    return (int)
        Math.clamp((limitBytes - otherBytes - others) / classes.bytes(index), 0, Integer.MAX_VALUE);
  }

  /** Gives places in reserve back if there is not room for so much outside the arenas. */
  void leave(long otherBytes) {
    if (bytes() + otherBytes > limitBytes) {
      trim();
    }
  }

  /** Gives places in reserve back. */
  private void trim() {
    arenas.forEach(arena -> arena.resize(arena.rows().size()));
  }

  /** Moves the rows whose next token does not fit their class. */
  void promoteGrown(long otherBytes) {
    for (KeyValueArena arena : arenas) {
      for (int place = arena.rows().size() - 1; place >= 0; place--) {
        int position = arena.rows().get(place).position();
        if (position >= arena.tokens()) {
          withRoom(position + 1, 1, otherBytes).adopt(arena, place);
          arena.remove(place);
        }
      }
    }
  }

  /** Removes the rows that have ended. */
  void compact() {
    arenas.forEach(KeyValueArena::compact);
  }

  /** Gives all memory back; the rows are gone. */
  @Override
  public void close() {
    arenas.forEach(KeyValueArena::close);
  }
}
