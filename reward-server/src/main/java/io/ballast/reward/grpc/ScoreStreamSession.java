package io.ballast.reward.grpc;

import io.ballast.kit.call.Caller;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.ClientLead;
import io.ballast.kit.grpc.ContextPatience;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.MessageRoom;
import io.ballast.kit.grpc.Replies.Sink;
import io.ballast.kit.grpc.Replies.StreamSink;
import io.ballast.reward.core.RewardScorer;
import io.ballast.reward.core.ScoreAnswer;
import io.ballast.reward.core.ScoreCommand;
import io.ballast.reward.core.ScoreItem;
import io.ballast.reward.core.ScoredItem;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * One stream of items: whatever has arrived by the time the last answers are sent is scored next,
 * together. The client may be so many items ahead, or so many bytes of memory and one message
 * beyond; then flow control holds it.
 */
final class ScoreStreamSession implements StreamObserver<ScoreStreamRequest> {
  private static final int WINDOW = 256;

  /** As many items of 16 KiB; with one message of 16 MiB beyond, a stream holds 20 MiB at most. */
  private static final int WINDOW_BYTES = 4 << 20;

  private static final int MAX_ITEMS = 100_000;
  private static final int MAX_ID_CHARACTERS = 128;

  private final RewardScorer flow;
  private final RewardMapper mapper;
  private final ServerCallStreamObserver<ScoreStreamResponse> call;
  private final BlockingQueue<Optional<Arrived>> arrived = new LinkedBlockingQueue<>();
  private final ClientLead lead = new ClientLead(WINDOW, WINDOW_BYTES);
  private final Set<String> seen = new HashSet<>();

  /** A request that came, and what it takes of memory until it is answered. */
  private record Arrived(ScoreStreamRequest request, MessageRoom room) {
    /** Of its objects, or on the way here if that was more. */
    long bytes() {
      return Math.max(room.bytes(), request.getSerializedSize());
    }
  }

  ScoreStreamSession(
      RewardScorer flow, RewardMapper mapper, ServerCallStreamObserver<ScoreStreamResponse> call) {
    this.flow = flow;
    this.mapper = mapper;
    this.call = call;
    call.disableAutoRequest();
  }

  @Override
  public void onNext(ScoreStreamRequest request) {
    Arrived next = new Arrived(request, MessageRoom.keep());
    boolean more = lead.came(next.bytes()); // before it can be answered
    arrived.add(Optional.of(next));
    if (more) {
      call.request(1);
    }
  }

  @Override
  public void onError(Throwable error) {
    arrived.add(Optional.empty());
  }

  @Override
  public void onCompleted() {
    arrived.add(Optional.empty());
  }

  /** Answers until the client has sent its last item. */
  void run(StreamSink<ScoreStreamResponse> sink) throws Exception {
    sink.onCancel(() -> arrived.add(Optional.empty()));
    call.request(1);
    Optional<Arrived> first = next(sink);
    if (first.isEmpty()) {
      return;
    }
    ScoreStreamRequest settings = first.get().request();
    Caller caller = mapper.caller(settings.getMetadata());
    ScoreCommand template =
        new ScoreCommand(
            CallTenants.behalf(caller, settings.getMetadata()),
            caller.lane(),
            MeshMessages.selector(settings.getRewardModel()),
            RewardMapper.choice(settings.getAggregation()),
            MeshMessages.truncation(settings.getTruncation()),
            settings.getBypassCache(),
            List.of());
    List<Optional<Arrived>> next = new ArrayList<>(List.of(first));
    boolean last = false;
    while (!last && !sink.cancelled()) {
      arrived.drainTo(next, WINDOW - next.size());
      last = next.contains(Optional.<Arrived>empty());
      List<ScoreItem> items = new ArrayList<>();
      Optional<MeshException> flaw = read(next, items);
      if (!items.isEmpty()) {
        answer(template, items, sink);
        if (lead.answered(items.size(), giveBack(next.subList(0, items.size())))) {
          call.request(1);
        }
      }
      if (flaw.isPresent()) {
        throw flaw.get();
      }
      next.clear();
      if (!last) {
        next.add(next(sink));
      }
    }
  }

  /** The next request, or the end; while none is there the stream is not under way. */
  private Optional<Arrived> next(StreamSink<ScoreStreamResponse> sink) throws Exception {
    return arrived.isEmpty() ? sink.idle(arrived::take) : arrived.take();
  }

  /** Gives back what answered requests took. How many bytes of the stream they were. */
  private static long giveBack(List<Optional<Arrived>> answered) {
    long bytes = 0;
    for (Optional<Arrived> each : answered) {
      each.orElseThrow().room().giveBack();
      bytes += each.orElseThrow().bytes();
    }
    return bytes;
  }

  /**
   * Adds the requests to {@code items} until the stream ends, or one could not be told from another
   * by its id: that ends the stream, but what came before it is answered.
   */
  private Optional<MeshException> read(List<Optional<Arrived>> requests, List<ScoreItem> items) {
    for (Optional<Arrived> request : requests) {
      if (request.isEmpty()) {
        break;
      }
      int index = seen.size();
      if (index == MAX_ITEMS) {
        return Optional.of(
            malformed(index, "one too many (expected: at most %,d a stream)".formatted(MAX_ITEMS)));
      }
      ScoreItem item = RewardMapper.item(request.get().request().getItem(), "item[" + index + "]");
      String id = item.itemId().isEmpty() ? Integer.toString(index) : item.itemId();
      if (id.length() > MAX_ID_CHARACTERS) {
        return Optional.of(
            malformed(
                index,
                "item_id: %,d characters (expected: at most %d)"
                    .formatted(id.length(), MAX_ID_CHARACTERS)));
      }
      if (!seen.add(id)) {
        return Optional.of(malformed(index, "item_id '%s' is another item's too".formatted(id)));
      }
      items.add(item.named(id));
    }
    return Optional.empty();
  }

  private void answer(
      ScoreCommand template, List<ScoreItem> items, Sink<ScoreStreamResponse> sink) {
    ScoreAnswer answer = flow.score(template.of(items), ContextPatience.ofCurrentCall());
    for (ScoredItem item : answer.items()) {
      sink.send(RewardMapper.streamed(item, answer.by()));
    }
  }

  private static MeshException malformed(int index, String flaw) {
    String field = "item[" + index + "]";
    return new MeshException(
        Fault.MALFORMED_REQUEST, field + ": " + flaw, Map.of("field", field, "flaw", flaw));
  }
}
