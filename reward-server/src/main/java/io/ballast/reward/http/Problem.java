package io.ballast.reward.http;

import static java.util.regex.Matcher.quoteReplacement;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.call.BearerToken;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.HttpStatus;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.reward.grpc.ScoreCalls;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * Why there is no answer, as RFC 9457 has it.
 *
 * @param status of HTTP
 * @param reason for machines: a {@link Fault}'s name, an {@link ItemFault.Reason}'s, or one of this
 *     class's own
 * @param detail one sentence for a person, with field and values
 * @param items those without a reward, with their places; the first ones of many
 * @param failed how many have none
 * @param requestId of the call; empty if it came to none
 * @param retryDelay the time after which asking again may help, if it {@link #passes}
 */
record Problem(
    int status,
    String reason,
    String detail,
    List<FailedItem> items,
    int failed,
    Optional<String> requestId,
    Duration retryDelay) {
  static final String MEDIA_TYPE = "application/problem+json";

  /** Where nobody knows better. */
  private static final Duration USUAL_WAIT = Duration.ofSeconds(1);

  static final Problem WRONG_METHOD = of(405, "METHOD_NOT_ALLOWED", "this path takes POST alone");
  static final Problem NOT_JSON =
      of(415, Fault.MALFORMED_REQUEST.name(), "content-type: expected application/json");
  static final Problem FROM_A_PAGE =
      of(403, "FOREIGN_ORIGIN", "origin: present (expected: absent; no page of a browser asks)");
  static final Problem STRANGER = of(401, "UNAUTHENTICATED", BearerToken.ABSENT_OR_WRONG);
  static final Problem NO_ADDRESS =
      of(400, Fault.MALFORMED_REQUEST.name(), "address: its parameters cannot be decoded");
  static final Problem BUG =
      of(500, "INTERNAL", "internal error; the log of this process says more");

  private static final int MOST_ITEMS = 16;

  /** How the service names a place in its request. */
  private static final Pattern PLACE =
      Pattern.compile("items\\[(\\d+)](\\.prompt|\\.completion|\\.references\\[\"[^\"]*\"])?");

  /** How it names what is a parameter of the address here. */
  private static final Pattern FIELD =
      Pattern.compile("^(reward_model|aggregation|metadata)\\.([a-z_]+)");

  /**
   * A text without a reward.
   *
   * @param index its place in the request
   */
  record FailedItem(int index, ItemFault.Reason reason, String detail) {}

  Problem {
    items = List.copyOf(items);
  }

  private static Problem of(int status, String reason, String detail) {
    return new Problem(status, reason, detail, List.of(), 0, Optional.empty(), USUAL_WAIT);
  }

  static Problem bodyTooLong(int limit) {
    return of(
        413, Fault.MALFORMED_REQUEST.name(), "body: over the limit of %,d bytes".formatted(limit));
  }

  static Problem bodiesAtOnce(int limit) {
    return of(
        429,
        Fault.OVERLOADED.name(),
        "body: the requests under way leave no room for it in %,d bytes".formatted(limit));
  }

  static Problem bodyLate(Duration limit) {
    return of(
        408, Fault.TIMED_OUT.name(), "body: not whole after %,d ms".formatted(limit.toMillis()));
  }

  /** A request that did not come to a call. */
  static Problem of(MeshException thrown) {
    return of(
        HttpStatus.of(thrown.fault()), thrown.fault().name(), String.valueOf(thrown.getMessage()));
  }

  /**
   * What a call answered instead of scores.
   *
   * @param texts what the client calls its list of texts
   */
  static Problem of(StatusRuntimeException thrown, String texts) {
    Optional<Fault> fault = PeerFaults.reason(thrown);
    Status status = thrown.getStatus();
    String description = status.getDescription();
    return new Problem(
        fault.map(HttpStatus::of).orElseGet(() -> status(status.getCode())),
        fault.map(Fault::name).orElse(status.getCode().name()),
        inWordsOf(texts, description == null ? status.getCode().name() : description),
        List.of(),
        0,
        ScoreCalls.requestId(thrown),
        PeerFaults.retryDelay(thrown).orElse(USUAL_WAIT));
  }

  /**
   * A call in which items failed. The status is the first one's: whoever mends it sees the next.
   *
   * @param faults at least one, by place
   * @param asked how many items there were
   * @param texts what the client calls its list of texts
   */
  static Problem of(
      SortedMap<Integer, ItemFault> faults, int asked, String texts, String requestId) {
    List<FailedItem> items = new ArrayList<>();
    for (Map.Entry<Integer, ItemFault> each : faults.entrySet()) {
      if (items.size() < MOST_ITEMS) {
        items.add(
            new FailedItem(
                each.getKey(),
                each.getValue().reason(),
                detail(texts, each.getKey(), each.getValue())));
      }
    }
    FailedItem first = items.getFirst();
    return new Problem(
        status(first.reason()),
        first.reason().name(),
        asked == 1
            ? first.detail()
            : "%s; %,d of %,d failed".formatted(first.detail(), faults.size(), asked),
        items,
        faults.size(),
        Optional.of(requestId),
        USUAL_WAIT);
  }

  /** Whether asking again later may help. */
  boolean passes() {
    return status == 429 || status == 503;
  }

  /** {@link #retryDelay} as the header Retry-After has it: whole seconds, at least one. */
  String retryAfter() {
    return Long.toString(Math.max(1, retryDelay.plusNanos(999_999_999).toSeconds()));
  }

  /** The body. */
  ObjectNode body() {
    ObjectNode body =
        JsonNodeFactory.instance
            .objectNode()
            .put("status", status)
            .put("detail", detail)
            .put("reason", reason);
    requestId.ifPresent(id -> body.put("request_id", id));
    if (!items.isEmpty()) {
      ArrayNode list = body.put("failed_items", failed).putArray("items");
      for (FailedItem item : items) {
        list.addObject()
            .put("index", item.index())
            .put("reason", item.reason().name())
            .put("detail", item.detail());
      }
    }
    return body;
  }

  /** Says which text it is, if the message does not begin with it. */
  private static String detail(String texts, int index, ItemFault fault) {
    String words = inWordsOf(texts, fault.message());
    return PLACE.matcher(fault.message()).lookingAt()
        ? words
        : "%s[%d]: %s".formatted(texts, index, words);
  }

  /** A message of the service, with places and fields as the client named them. */
  private static String inWordsOf(String texts, String message) {
    String places =
        PLACE.matcher(message).replaceAll(found -> quoteReplacement(place(found, texts)));
    if (places.startsWith("items: ")) {
      return texts + places.substring("items".length());
    }
    return FIELD.matcher(places).replaceFirst(found -> quoteReplacement(field(found)));
  }

  private static String place(MatchResult found, String texts) {
    String field = found.group(2);
    String list =
        field == null || field.equals(".completion")
            ? texts
            : field.equals(".prompt") ? "prompts" : "labels";
    return list + "[" + found.group(1) + "]";
  }

  private static String field(MatchResult found) {
    return switch (found.group(1)) {
      case "reward_model" -> "model";
      case "aggregation" -> found.group(2).equals("method") ? "aggregation" : found.group(2);
      default -> found.group(2);
    };
  }

  private static int status(ItemFault.Reason reason) {
    return switch (reason) {
      case INVALID_INPUT -> 400;
      case TOO_LONG -> 413;
      case OVERLOADED -> 429;
      case MODEL_ERROR -> 500;
      case QUORUM_LOST, CANCELLED -> 503;
      case DEADLINE -> 504;
    };
  }

  /** Of a call that ended without a fault's name: its own end, or a bug. */
  private static int status(Status.Code code) {
    return switch (code) {
      case UNAUTHENTICATED -> 401;
      case DEADLINE_EXCEEDED -> 504;
      case CANCELLED, UNAVAILABLE -> 503;
      default -> 500;
    };
  }
}
