package io.ballast.inference.chat;

/**
 * One turn of a conversation.
 *
 * @param role who speaks, such as system, user or assistant; the template decides what it takes
 * @param content what is said
 */
public record ChatMessage(String role, String content) {}
