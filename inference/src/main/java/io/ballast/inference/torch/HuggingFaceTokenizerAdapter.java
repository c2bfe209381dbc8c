package io.ballast.inference.torch;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.text.TokenizerFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A BPE tokenizer from a Hugging Face tokenizer.json, byte-level or SentencePiece's. Reads nothing
 * but that file; never truncates, pads or adds special tokens.
 */
public final class HuggingFaceTokenizerAdapter implements Tokenizer, AutoCloseable {
  private final HuggingFaceTokenizer tokenizer;
  private final byte[][] bytes;
  private final TokenizerJson json;
  private final List<Integer> endOfTextIds;

  private HuggingFaceTokenizerAdapter(
      HuggingFaceTokenizer tokenizer, TokenizerJson json, List<Integer> endOfTextIds) {
    this.tokenizer = tokenizer;
    this.json = json;
    this.bytes = json.bytes();
    this.endOfTextIds = List.copyOf(endOfTextIds);
  }

  /**
   * Reads the tokenizer of a model folder; its config.json says which id ends a text.
   *
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be
   */
  public static HuggingFaceTokenizerAdapter ofFolder(Path folder) {
    return load(folder.resolve(DecoderFolder.TOKENIZER), DecoderConfig.read(folder).endOfTextIds());
  }

  /**
   * Reads a tokenizer.json.
   *
   * @param endOfTextId the id that ends a text
   * @throws ModelException INVALID_FOLDER if it is missing, of another kind, or lacks the id
   */
  public static HuggingFaceTokenizerAdapter load(Path file, int endOfTextId) {
    return load(file, List.of(endOfTextId));
  }

  static HuggingFaceTokenizerAdapter load(Path file, List<Integer> endOfTextIds) {
    if (!Files.isRegularFile(file)) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": the file is missing");
    }
    // the library would otherwise report its use over the network
    System.setProperty("OPT_OUT_TRACKING", "true");
    System.setProperty("ai.djl.offline", "true");
    try {
      TokenizerJson json = TokenizerJson.of(TokenizerFile.read(file));
      VocabularyFit.requireEnds(json, endOfTextIds);
      Map<String, String> options =
          Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "false");
      return new HuggingFaceTokenizerAdapter(
          HuggingFaceTokenizer.newInstance(file, options), json, endOfTextIds);
    } catch (IOException | RuntimeException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException if the text has half a surrogate pair, which has no bytes
   */
  @Override
  public TokenIds encode(String text) {
    if (text.isEmpty()) {
      return TokenIds.of();
    }
    requireWhole(text);
    long[] ids = tokenizer.encode(text, false, false).getIds();
    int[] narrow = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      narrow[i] = Math.toIntExact(ids[i]);
    }
    return TokenIds.of(narrow);
  }

  private static void requireWhole(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        throw new IllegalArgumentException("text[" + i + "]: half a surrogate pair");
      }
    }
  }

  /**
   * {@inheritDoc} Where texts are encoded as if a space preceded them, the first space is left out,
   * as transformers does.
   */
  @Override
  public String decode(TokenIds tokens) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (int t = 0; t < tokens.size(); t++) {
      all.writeBytes(bytes[tokens.get(t)]);
    }
    String text = all.toString(StandardCharsets.UTF_8);
    return json.leadingSpace() && text.startsWith(" ") ? text.substring(1) : text;
  }

  @Override
  public TokenIds beginning() {
    return json.beginning();
  }

  @Override
  public byte[] bytesOf(int id) {
    return bytes[id].clone();
  }

  @Override
  public int vocabularySize() {
    return bytes.length;
  }

  @Override
  public int endOfTextId() {
    return endOfTextIds.getFirst();
  }

  @Override
  public Set<Integer> endOfTextIds() {
    return Set.copyOf(endOfTextIds);
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
