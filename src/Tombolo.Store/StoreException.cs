// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Store;

/// <summary>A store cannot do what was asked of it; the message is one sentence.</summary>
/// <param name="message">What, where, the value, the limit, the way out.</param>
/// <param name="error">What the server answered; None where it was not the server's answer.</param>
public sealed class StoreException(string message, StoreError error = StoreError.None) : TomboloException(message)
{
    /// <summary>What the server answered.</summary>
    public StoreError Error { get; } = error;
}
