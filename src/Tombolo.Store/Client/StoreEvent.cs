// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

/// <summary>Something changed that is watched.</summary>
/// <param name="Path">What changed: the watched path or one below it; or the watched path itself, for "look again": at the start, after a reconnection, and when events came faster than they were read.</param>
public readonly record struct StoreEvent(string Path);
