// SPDX-License-Identifier: MIT
namespace Tombolo.Linux;

/// <summary>The root of every failure that Tombolo reports by exception and that is not a caller's bug.</summary>
/// <param name="message">One sentence: subject, what happened, the value and the limit.</param>
/// <param name="inner">What caused it, or null.</param>
public abstract class TomboloException(string message, Exception? inner = null) : Exception(message, inner);
