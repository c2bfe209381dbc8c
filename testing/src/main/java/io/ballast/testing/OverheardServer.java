package io.ballast.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.grpc.MeshServer;
import io.ballast.kit.redaction.Wordless;
import io.grpc.BindableService;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.trace.ReadWriteSpan;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/**
 * Services behind the edge of a process, and whatever they say of calls beside their answers: lines
 * of the log at DEBUG, spans, statuses.
 */
public final class OverheardServer implements AutoCloseable {
  private final List<String> said = new CopyOnWriteArrayList<>();
  private final Logger root = Logger.getLogger("");
  private final Logger ours = Logger.getLogger("io.ballast");
  private final Logger texts = Logger.getLogger(Wordless.TEXTS);
  private final Level usual = ours.getLevel();
  private final Handler handler = new Ear();
  private final OpenTelemetrySdk telemetry =
      OpenTelemetrySdk.builder()
          .setTracerProvider(SdkTracerProvider.builder().addSpanProcessor(new Spans()).build())
          .build();
  private final MeshServer server;

  private OverheardServer(List<BindableService> services) {
    handler.setLevel(Level.ALL);
    root.addHandler(handler);
    ours.setLevel(Level.ALL);
    texts.setLevel(Level.INFO); // as a process has it
    server =
        MeshServer.start(
            MeshServer.Options.loopback(0),
            services,
            new SimpleMeterRegistry(),
            telemetry,
            System::nanoTime);
  }

  /** Starts a server of these services. */
  public static OverheardServer start(List<BindableService> services) {
    return new OverheardServer(services);
  }

  /** What its clients call through. */
  public Channel channel() {
    return server.inside();
  }

  /** Makes a call that fails, and hears how. */
  public void fails(ThrowingCallable call) {
    try {
      call.call();
    } catch (StatusRuntimeException e) {
      said.add("status " + e.getMessage() + " " + StatusProto.fromThrowable(e));
      return;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
    throw new AssertionError("the call did not fail");
  }

  /** Asserts that a text stands in nothing that was said, of which there was something. */
  public void assertNothingSaid(String text) {
    assertThat(said).isNotEmpty().noneSatisfy(words -> assertThat(words).contains(text));
  }

  /** What was said. */
  public List<String> said() {
    return List.copyOf(said);
  }

  @Override
  public void close() {
    server.close();
    telemetry.close();
    root.removeHandler(handler);
    ours.setLevel(usual);
  }

  private final class Ear extends Handler {
    @Override
    public void publish(LogRecord entry) {
      StringWriter words = new StringWriter();
      words.append("log ").append(entry.getMessage());
      words.append(' ').append(Arrays.toString(entry.getParameters()));
      if (entry.getThrown() != null) {
        entry.getThrown().printStackTrace(new PrintWriter(words, true));
      }
      said.add(words.toString());
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }

  private final class Spans implements SpanProcessor {
    @Override
    public void onStart(Context parent, ReadWriteSpan span) {}

    @Override
    public boolean isStartRequired() {
      return false;
    }

    @Override
    public void onEnd(ReadableSpan span) {
      SpanData data = span.toSpanData();
      said.add(
          "span %s %s %s %s"
              .formatted(
                  data.getName(),
                  data.getAttributes(),
                  data.getStatus(),
                  data.getEvents().stream()
                      .map(event -> event.getAttributes().toString())
                      .toList()));
    }

    @Override
    public boolean isEndRequired() {
      return true;
    }
  }
}
