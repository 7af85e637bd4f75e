// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Store;

/// <summary>How many of something each domain has: nodes, watches, transactions.</summary>
internal sealed class DomainCounts
{
    private readonly Dictionary<DomainId, int> _counts = [];

    public int this[DomainId domain] => _counts.GetValueOrDefault(domain);

    public IEnumerable<KeyValuePair<DomainId, int>> All => _counts;

    public void Add(DomainId domain, int number)
    {
        ref int count = ref CollectionsMarshal.GetValueRefOrAddDefault(_counts, domain, out _);
        count += number;
    }

    /// <summary>Adds or takes away a node and all below it.</summary>
    public void AddAll(StoreNode node, int times)
    {
        Add(node.Permissions.Owner, times);
        foreach (StoreNode child in node.Children.From(0)) AddAll(child, times);
    }
}
