// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

/// <summary>The kinds of change; the numbers stand in the journal.</summary>
internal enum ChangeKind : byte
{
    /// <summary>Set a value; make the node and its parents where they are missing.</summary>
    Write = 1,
    /// <summary>Make the node and its parents where they are missing; one that exists stays as it is.</summary>
    Make = 2,
    /// <summary>Remove a node and all below it.</summary>
    Remove = 3,
    /// <summary>Set permissions.</summary>
    Permissions = 4,
}

/// <summary>One change that somebody was allowed to make. Applied to the same tree, it gives the same tree: transactions and the journal keep changes, and apply them again.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="Path">An absolute path.</param>
/// <param name="Actor">Who did it, and owns what it makes.</param>
/// <param name="Value">Of a write.</param>
/// <param name="Permissions">Of a change of permissions.</param>
internal readonly record struct StoreChange(ChangeKind Kind, byte[] Path, DomainId Actor, byte[] Value, StorePermissions? Permissions)
{
    /// <summary>Applies the change.</summary>
    /// <param name="root">The tree.</param>
    /// <param name="stamp">A number never used before.</param>
    /// <param name="counts">Told of nodes that come, go or change hands.</param>
    /// <param name="before">The node as it was, with all below it; null where there was none.</param>
    /// <returns>The new tree; the same one where there was nothing to do.</returns>
    public StoreNode Apply(StoreNode root, ulong stamp, DomainCounts counts, out StoreNode? before)
    {
        ReadOnlySpan<byte> path = Path;
        before = StoreTree.Find(root, path);
        switch (Kind)
        {
            case ChangeKind.Write when before is not null:
                return StoreTree.Put(root, path, before.WithValue(Value, stamp), stamp);
            case ChangeKind.Write or ChangeKind.Make when before is null:
                return Make(root, stamp, counts);
            case ChangeKind.Remove when before is not null && path.Length > 1:
                counts.AddAll(before, -1);
                return StoreTree.Without(root, path, stamp);
            case ChangeKind.Permissions when before is not null && Permissions is not null:
                counts.Add(before.Permissions.Owner, -1);
                counts.Add(Permissions.Owner, 1);
                return StoreTree.Put(root, path, before.WithPermissions(Permissions, stamp), stamp);
            default:
                return root;
        }
    }

    // The missing part of the path, from its end up. New nodes have their parent's permissions; what an ordinary domain makes is its own.
    private StoreNode Make(StoreNode root, ulong stamp, DomainCounts counts)
    {
        ReadOnlySpan<byte> path = Path;
        StoreNode parent = StoreTree.Deepest(root, path, out int used);
        StorePermissions permissions = Actor.Value == 0 ? parent.Permissions : parent.Permissions.OwnedBy(Actor);
        int end = path.Length;
        StoreNode? made = null;
        while (end > used)
        {
            int start = path[..end].LastIndexOf((byte)'/');
            StoreNode node = StoreNode.Create(path[(start + 1)..end].ToArray(), made is null ? Value : [], permissions, stamp);
            made = made is null ? node : node.WithChildren(NodeMap.Empty.Put(made), stamp);
            counts.Add(permissions.Owner, 1);
            end = start;
        }
        ReadOnlySpan<byte> top = path[..(used + 1 + made!.Name.Length)];
        return StoreTree.Put(root, top, made, stamp);
    }

    /// <summary>How many nodes would be made.</summary>
    public static int MissingNodes(ReadOnlySpan<byte> path, int usedBytes) => path[usedBytes..].Count((byte)'/');
}
