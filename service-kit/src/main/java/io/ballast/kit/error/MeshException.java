package io.ballast.kit.error;

import java.util.Map;

/** A failure with a name. Its message is for the caller; its metadata holds every value in it. */
public final class MeshException extends RuntimeException {
  /** Metadata of what can be waited out: when to try again at the earliest, as ISO 8601. */
  public static final String RETRY_DELAY = "retry_delay";

  /** Metadata of an OVERLOADED: what refused the call, such as {@code queue_time}. */
  public static final String SHED = "shed";

  private static final long serialVersionUID = 1L;

  private final Fault fault;
  private final transient Map<String, String> metadata;

  public MeshException(Fault fault, String message) {
    this(fault, message, Map.of());
  }

  public MeshException(Fault fault, String message, Map<String, String> metadata) {
    super(message);
    this.fault = fault;
    this.metadata = Map.copyOf(metadata);
  }

  public MeshException(Fault fault, String message, Throwable cause) {
    this(fault, message, Map.of(), cause);
  }

  public MeshException(Fault fault, String message, Map<String, String> metadata, Throwable cause) {
    super(message, cause);
    this.fault = fault;
    this.metadata = Map.copyOf(metadata);
  }

  /** What went wrong. */
  public Fault fault() {
    return fault;
  }

  /** The values in the message, by name, for machines. */
  public Map<String, String> metadata() {
    return metadata;
  }
}
