package io.ballast.bulk;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Makes batches of rows. What it holds is handed on before a checkpoint's barrier, so that it has
 * no state of its own.
 */
final class BatchOperator extends AbstractStreamOperator<Batch>
    implements OneInputStreamOperator<Row, Batch>, BoundedOneInput {
  private static final long serialVersionUID = 1;

  private final int maxItems;
  private final long maxBytes;
  private transient List<Row> waiting = new ArrayList<>();
  private transient int items;
  private transient long bytes;

  /**
   * Creates it.
   *
   * @param maxItems completions of a batch, unless one row has more
   * @param maxBytes of its request; a row that has more by itself says nothing to score
   */
  BatchOperator(int maxItems, long maxBytes) {
    this.maxItems = maxItems;
    this.maxBytes = maxBytes;
  }

  @Override
  public void open() throws Exception {
    super.open();
    waiting = new ArrayList<>();
  }

  @Override
  public void processElement(StreamRecord<Row> element) {
    Row row = fitting(element.getValue());
    int rowItems = row.completions().size();
    long rowBytes = row.requestBytes();
    if (!waiting.isEmpty() && (items + rowItems > maxItems || bytes + rowBytes > maxBytes)) {
      handOn();
    }
    waiting.add(row);
    items += rowItems;
    bytes += rowBytes;
    // rows that need no answer are held back no longer than others
    if (items >= maxItems || waiting.size() >= maxItems) {
      handOn();
    }
  }

  private Row fitting(Row row) {
    long rowBytes = row.requestBytes();
    if (rowBytes <= maxBytes) {
      return row;
    }
    String message =
        "%,d bytes with the prompt for each completion (expected: at most %,d, see --batch-size)"
            .formatted(rowBytes, maxBytes);
    return Row.without(row.file(), row.line(), row.id(), new Failure(Failure.TOO_LONG, message));
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) {
    handOn();
  }

  @Override
  public void endInput() {
    handOn();
  }

  private void handOn() {
    if (waiting.isEmpty()) {
      return;
    }
    output.collect(new StreamRecord<>(new Batch(List.copyOf(waiting))));
    waiting.clear();
    items = 0;
    bytes = 0;
  }
}
