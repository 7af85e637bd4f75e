// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

/// <summary>What one domain may have at once, over all its connections. Domain 0 is free of them, but for <see cref="Events"/>. Immutable.</summary>
public sealed record StoreQuotas
{
    /// <summary>Nodes that it owns. Default 8192. Beyond: ENOSPC.</summary>
    public int Nodes { get; init; } = 8192;
    /// <summary>Bytes of one value, at most 4096 minus the path in one message. Default 2048. Beyond: ENOSPC.</summary>
    public int ValueBytes { get; init; } = 2048;
    /// <summary>Entries of one node's permissions. Default 16. Beyond: ENOSPC.</summary>
    public int Permissions { get; init; } = 16;
    /// <summary>Watches. Default 1024. Beyond: E2BIG.</summary>
    public int Watches { get; init; } = 1024;
    /// <summary>Open transactions. Default 64. Beyond: ENOSPC.</summary>
    public int Transactions { get; init; } = 64;
    /// <summary>Nodes that one transaction reads or changes. Default 4096. Beyond: ENOSPC.</summary>
    public int TransactionNodes { get; init; } = 4096;
    /// <summary>Events that wait for one connection. Default 4096. Beyond, the events of a watch become one, for the watched path itself: none is lost in meaning.</summary>
    public int Events { get; init; } = 4096;

    /// <summary>What is wrong with these settings, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        foreach ((string name, int value, int least) in new[] { ("Nodes", Nodes, 0), ("ValueBytes", ValueBytes, 0), ("Permissions", Permissions, 1), ("Watches", Watches, 0), ("Transactions", Transactions, 0), ("TransactionNodes", TransactionNodes, 0), ("Events", Events, 1) })
            if (value < least) yield return $"The quota {name} is {value}; it must be {least} or more.";
    }
}
