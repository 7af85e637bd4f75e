// SPDX-License-Identifier: MIT
namespace Tombolo.Samples.ZeroMq;

/// <summary>libzmq refused something.</summary>
/// <param name="call">Which of its functions.</param>
/// <param name="reason">Its own words for why.</param>
public sealed class ZmqException(string call, string reason) : Exception($"{call}: {reason}");
