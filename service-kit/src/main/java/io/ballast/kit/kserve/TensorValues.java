package io.ballast.kit.kserve;

import java.util.List;

/** The elements of a tensor in row-major order. */
public sealed interface TensorValues {
  /** How many there are. */
  int size();

  /** Of BYTES: whole Unicode. */
  record Texts(List<String> texts) implements TensorValues {
    public Texts {
      texts = List.copyOf(texts);
    }

    @Override
    public int size() {
      return texts.size();
    }
  }

  /** Of FP32. */
  record Floats(List<Float> floats) implements TensorValues {
    public Floats {
      floats = List.copyOf(floats);
    }

    @Override
    public int size() {
      return floats.size();
    }
  }

  /** Of INT32, INT64 and UINT32. */
  record Integers(List<Long> integers) implements TensorValues {
    public Integers {
      integers = List.copyOf(integers);
    }

    @Override
    public int size() {
      return integers.size();
    }
  }

  /** Of BOOL. */
  record Truths(List<Boolean> truths) implements TensorValues {
    public Truths {
      truths = List.copyOf(truths);
    }

    @Override
    public int size() {
      return truths.size();
    }
  }
}
