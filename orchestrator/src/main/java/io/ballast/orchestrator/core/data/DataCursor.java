package io.ballast.orchestrator.core.data;

import java.util.Collections;
import java.util.List;

/**
 * How far a run has come in its sources. Stored with each iteration: what is drawn next is a
 * function of it, the prompts and the seed.
 *
 * @param places one for each source, in their order; none before the first iteration
 * @param stream how far it has come in feedback that it follows
 */
public record DataCursor(List<Place> places, Stream stream) {
  /**
   * How far it has come in one source.
   *
   * @param pass which pass over the source, from 0; −1 before the first
   * @param position how many prompts of the pass are drawn, or passed over because the iteration
   *     had them already
   * @param size how many prompts the pass has
   * @param drawn how many prompts were drawn in all passes
   */
  public record Place(int pass, int position, int size, long drawn) {
    private static final Place BEGINNING = new Place(-1, 0, 0, 0);

    /** The next pass, over {@code count} prompts. */
    public Place nextPass(int count) {
      return new Place(pass + 1, 0, count, drawn);
    }

    /** After {@code count} more prompts of this pass, and those that were passed over. */
    public Place at(int newPosition, int count) {
      return new Place(pass, newPosition, size, drawn + count);
    }
  }

  /**
   * How far it has come in a stream.
   *
   * @param position the stream's own word for it; empty at the beginning
   * @param events how many events were read, of which some said nothing
   */
  public record Stream(String position, long events) {
    /** Before the first event. */
    public static final Stream BEGINNING = new Stream("", 0);
  }

  /** Copies the list. */
  public DataCursor {
    places = List.copyOf(places);
  }

  /** In sources that were read as a whole. */
  public DataCursor(List<Place> places) {
    this(places, Stream.BEGINNING);
  }

  /** The same, with another place in the stream. */
  public DataCursor at(Stream next) {
    return new DataCursor(places, next);
  }

  /** Before the first iteration. */
  public static DataCursor none() {
    return new DataCursor(List.of());
  }

  /** At the beginning of {@code sources} sources. */
  public static DataCursor beginning(int sources) {
    return new DataCursor(Collections.nCopies(sources, Place.BEGINNING));
  }
}
