package io.ballast.loadtest.scenario;

import io.ballast.loadtest.openloop.RateCurve;
import java.time.Duration;
import java.util.List;

/**
 * A stretch of a load.
 *
 * @param name unique in the load
 * @param rate calls a second; of a RAMP at its beginning
 * @param peak calls a second in the middle third of a SPIKE, at the end of a RAMP; otherwise {@code
 *     rate}
 * @param measured whether its calls enter what is judged
 */
public record Phase(
    String name, Shape shape, double rate, double peak, Duration duration, boolean measured) {
  /** How the rate goes. */
  public enum Shape {
    /** Constant. */
    HOLD,
    /** From {@code rate} to {@code peak} in a straight line. */
    RAMP,
    /** Constant, but for its middle third. */
    SPIKE,
    /** Constant, for long: the trend of the server's memory is of this. */
    SOAK
  }

  /** Its pieces. */
  List<RateCurve.Piece> pieces() {
    double seconds = seconds();
    return switch (shape) {
      case HOLD, SOAK -> List.of(new RateCurve.Piece(rate, rate, seconds));
      case RAMP -> List.of(new RateCurve.Piece(rate, peak, seconds));
      case SPIKE ->
          List.of(
              new RateCurve.Piece(rate, rate, seconds / 3),
              new RateCurve.Piece(peak, peak, seconds / 3),
              new RateCurve.Piece(rate, rate, seconds / 3));
    };
  }

  /** How long it is. */
  public double seconds() {
    return duration.toNanos() / 1e9;
  }
}
