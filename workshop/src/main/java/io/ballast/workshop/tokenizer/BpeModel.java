package io.ballast.workshop.tokenizer;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A byte-level BPE tokenizer: id 0 ends a text, ids 1 to 256 are the bytes, each further id is the
 * merge of two lower ones, in the order of training.
 *
 * <p>Encodes as the tokenizer library does from the file that {@link #write} makes. One thread at a
 * time: pieces met before are remembered.
 */
public final class BpeModel {
  /** The text of the only special token, id 0. */
  public static final String END_OF_TEXT = "<|endoftext|>";

  /** The first merge's id: the special token and 256 bytes come before it. */
  static final int FIRST_MERGE = 257;

  private static final int MOST_REMEMBERED = 1 << 19;

  private final List<byte[]> bytes = new ArrayList<>();
  private final List<int[]> merges = new ArrayList<>();
  private final Map<Long, Integer> idOfPair = new HashMap<>();
  private final int[] idOfByte = new int[256];
  private final Map<String, int[]> remembered = new HashMap<>();

  /** A tokenizer without merges. */
  BpeModel() {
    bytes.add(new byte[0]);
    for (int i = 0; i < 256; i++) {
      int b = ByteAlphabet.byteAt(i);
      idOfByte[b] = i + 1;
      bytes.add(new byte[] {(byte) b});
    }
  }

  /** Adds the merge of {@code left} and {@code right} and returns its id. */
  int add(int left, int right) {
    byte[] first = bytes.get(left);
    byte[] joined = Arrays.copyOf(first, first.length + bytes.get(right).length);
    System.arraycopy(bytes.get(right), 0, joined, first.length, bytes.get(right).length);
    int id = bytes.size();
    bytes.add(joined);
    merges.add(new int[] {left, right});
    idOfPair.put(pair(left, right), id);
    remembered.clear();
    return id;
  }

  /** Both ids in one number, as keys of maps. */
  static long pair(int left, int right) {
    return ((long) left << 32) | right;
  }

  /** The number of ids, the special token included. */
  public int size() {
    return bytes.size();
  }

  /** Returns the bytes of token {@code id}; none for the special token. */
  public byte[] bytesOf(int id) {
    return bytes.get(id).clone();
  }

  /** Returns the ids of {@code text}; {@link #END_OF_TEXT} in it is text like any other. */
  public int[] encode(String text) {
    int[][] out = {new int[text.length() / 3 + 16]};
    int[] size = {0};
    PreTokens.forEach(
        text,
        piece -> {
          int[] ids = encodePiece(piece);
          if (size[0] + ids.length > out[0].length) {
            out[0] = Arrays.copyOf(out[0], 2 * (size[0] + ids.length));
          }
          System.arraycopy(ids, 0, out[0], size[0], ids.length);
          size[0] += ids.length;
        });
    return Arrays.copyOf(out[0], size[0]);
  }

  /** Returns the text of {@code ids}; bytes that are not UTF-8 become U+FFFD. */
  public String decode(int... ids) {
    int length = 0;
    for (int id : ids) {
      length += bytes.get(id).length;
    }
    byte[] joined = new byte[length];
    int at = 0;
    for (int id : ids) {
      byte[] part = bytes.get(id);
      System.arraycopy(part, 0, joined, at, part.length);
      at += part.length;
    }
    return new String(joined, StandardCharsets.UTF_8);
  }

  private int[] encodePiece(String piece) {
    int[] known = remembered.get(piece);
    if (known != null) {
      return known;
    }
    int[] ids = bytesAsIds(piece);
    int size = ids.length;
    while (true) {
      int best = Integer.MAX_VALUE;
      int bestAt = -1;
      for (int i = 0; i + 1 < size; i++) {
        Integer id = idOfPair.get(pair(ids[i], ids[i + 1]));
        if (id != null && id < best) {
          best = id;
          bestAt = i;
        }
      }
      if (bestAt < 0) {
        break;
      }
      ids[bestAt] = best;
      System.arraycopy(ids, bestAt + 2, ids, bestAt + 1, size - bestAt - 2);
      size--;
    }
    int[] merged = Arrays.copyOf(ids, size);
    if (remembered.size() < MOST_REMEMBERED) {
      remembered.put(piece, merged);
    }
    return merged;
  }

  /** Returns the UTF-8 bytes of {@code piece} as ids. */
  int[] bytesAsIds(String piece) {
    byte[] utf8 = piece.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[utf8.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = idOfByte[utf8[i] & 0xFF];
    }
    return ids;
  }

  /** Writes {@code tokenizer.json} and {@code tokenizer_config.json} into {@code folder}. */
  public void write(Path folder) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode root = mapper.createObjectNode().put("version", "1.0");
    root.putNull("truncation").putNull("padding");
    root.putArray("added_tokens")
        .addObject()
        .put("id", 0)
        .put("content", END_OF_TEXT)
        .put("single_word", false)
        .put("lstrip", false)
        .put("rstrip", false)
        .put("normalized", false)
        .put("special", true);
    root.putNull("normalizer");
    ArrayNode steps =
        root.putObject("pre_tokenizer").put("type", "Sequence").putArray("pretokenizers");
    steps
        .addObject()
        .put("type", "Split")
        .put("behavior", "Isolated")
        .put("invert", false)
        .putObject("pattern")
        .put("Regex", PreTokens.REGEX);
    byteLevel(steps.addObject());
    root.putNull("post_processor");
    byteLevel(root.putObject("decoder"));
    ObjectNode model = root.putObject("model").put("type", "BPE");
    model.putNull("dropout").putNull("unk_token");
    model.putNull("continuing_subword_prefix").putNull("end_of_word_suffix");
    model.put("fuse_unk", false).put("byte_fallback", false).put("ignore_merges", false);
    ObjectNode vocabulary = model.putObject("vocab").put(END_OF_TEXT, 0);
    for (int id = 1; id < bytes.size(); id++) {
      vocabulary.put(ByteAlphabet.spell(bytes.get(id)), id);
    }
    ArrayNode list = model.putArray("merges");
    for (int[] merge : merges) {
      list.addArray()
          .add(ByteAlphabet.spell(bytes.get(merge[0])))
          .add(ByteAlphabet.spell(bytes.get(merge[1])));
    }
    Files.writeString(folder.resolve("tokenizer.json"), mapper.writeValueAsString(root) + "\n");
    ObjectNode settings =
        mapper
            .createObjectNode()
            .put("tokenizer_class", "PreTrainedTokenizerFast")
            .put("eos_token", END_OF_TEXT)
            .put("bos_token", END_OF_TEXT)
            .put("clean_up_tokenization_spaces", false);
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        mapper.writerWithDefaultPrettyPrinter().writeValueAsString(settings) + "\n");
  }

  private static void byteLevel(ObjectNode node) {
    node.put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", false)
        .put("use_regex", false);
  }
}
