package io.ballast.console.http;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.HttpStatus;
import io.ballast.kit.error.MeshException;

/**
 * Why a question has no answer.
 *
 * @param status of HTTP
 * @param reason for machines: a {@link Fault}'s name, or one of this class's own
 * @param message one sentence for a person
 */
record Failure(int status, String reason, String message) {
  static final Failure NO_SUCH_PATH =
      new Failure(404, Fault.UNKNOWN_RESOURCE.name(), "no such path; console/README.md lists them");
  static final Failure WRONG_METHOD =
      new Failure(405, "METHOD_NOT_ALLOWED", "this path does not take this method");
  static final Failure NOT_JSON =
      new Failure(415, Fault.MALFORMED_REQUEST.name(), "content-type: expected application/json");
  static final Failure TOO_LONG =
      new Failure(413, Fault.MALFORMED_REQUEST.name(), "body: over the limit of 262,144 bytes");
  static final Failure BUSY =
      new Failure(429, Fault.OVERLOADED.name(), "the console is busy; ask again in a second");
  static final Failure NO_TOKEN =
      new Failure(
          401,
          "UNAUTHENTICATED",
          "authorization: expected Bearer and the mesh's ballast.token, or that of an operator or"
              + " auditor of all tenants");
  static final Failure FOREIGN_HOST =
      new Failure(
          403,
          "FOREIGN_HOST",
          "host: not a name of this machine's loopback, where the console listens");
  static final Failure FOREIGN_ORIGIN =
      new Failure(403, "FOREIGN_ORIGIN", "origin: not this console's own page");
  static final Failure BUG =
      new Failure(500, "INTERNAL", "internal error; the log of this process says more");

  /** What {@code thrown} means to a browser. */
  static Failure of(MeshException thrown) {
    return new Failure(
        HttpStatus.of(thrown.fault()), thrown.fault().name(), String.valueOf(thrown.getMessage()));
  }

  /** The body. */
  ObjectNode body() {
    return JsonNodeFactory.instance.objectNode().put("reason", reason).put("message", message);
  }
}
