// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

/// <summary>What a transaction depends on, of one node.</summary>
[Flags]
internal enum Aspects : byte
{
    /// <summary>Whether it is there.</summary>
    Presence = 1,
    /// <summary>Its value.</summary>
    Value = 2,
    /// <summary>Its permissions.</summary>
    Permissions = 4,
    /// <summary>The names of its children.</summary>
    Children = 8,
}

/// <summary>A transaction: a picture of the tree from its start, what it saw of it, and what it changed.</summary>
/// <remarks>
/// It sees the tree as it was when it began, with its own changes. It may be committed when everything it saw and did not make itself is still so: then it is as if
/// all of it happened in the moment of the commit. One that changed nothing always may: it happened in the moment of its start.
/// </remarks>
internal sealed class StoreTransaction(uint id, StoreNode root)
{
    private readonly Dictionary<byte[], Aspects> _seen = new(BytesComparer.Instance);
    private StoreNode? _base = root;

    public uint Id { get; } = id;

    /// <summary>The tree as the transaction sees it.</summary>
    public StoreNode Root { get; private set; } = root;

    public List<StoreChange> Changes { get; } = [];

    /// <summary>Nodes that it made or removed, by owner.</summary>
    public DomainCounts Counts { get; } = new();

    /// <summary>How many nodes it has to remember.</summary>
    public int Nodes => _seen.Count + Changes.Count;

    /// <summary>Its start is forgotten (the server was started again), so it cannot be committed.</summary>
    public void Doom() => _base = null;

    public void Change(StoreChange change, ulong stamp)
    {
        Root = change.Apply(Root, stamp, Counts, out _);
        Changes.Add(change);
    }

    /// <summary>Notes that something was learnt of a path.</summary>
    public void See(ReadOnlySpan<byte> path, Aspects aspects)
    {
        if (_base is null) return;
        _ = StoreTree.Deepest(_base, path, out int used);
        if (used == path.Length || path.Length == 1)
        {
            Note(path, aspects);
            return;
        }
        // It was not there: then what counts is that the first missing part stays missing, and who may do what above it.
        int next = path[(used + 1)..].IndexOf((byte)'/');
        Note(next < 0 ? path : path[..(used + 1 + next)], Aspects.Presence);
        Note(used == 0 ? "/"u8 : path[..used], Aspects.Permissions);
    }

    /// <summary>Whether everything that was seen is so still.</summary>
    public bool Holds(StoreNode current)
    {
        if (_base is null) return false;   // first: what it changed before is forgotten too
        if (Changes.Count == 0) return true;
        if (ReferenceEquals(current, _base)) return true;
        foreach ((byte[] path, Aspects aspects) in _seen)
            if (!IsSame(StoreTree.Find(_base, path), StoreTree.Find(current, path), aspects)) return false;
        return true;
    }

    private static bool IsSame(StoreNode? before, StoreNode? now, Aspects aspects)
    {
        if (ReferenceEquals(before, now)) return true;
        if (before is null || now is null) return false;
        return ((aspects & Aspects.Value) == 0 || before.ValueStamp == now.ValueStamp)
            && ((aspects & Aspects.Permissions) == 0 || before.PermissionStamp == now.PermissionStamp)
            && ((aspects & Aspects.Children) == 0 || before.ChildrenStamp == now.ChildrenStamp);
    }

    private void Note(ReadOnlySpan<byte> path, Aspects aspects)
    {
        Dictionary<byte[], Aspects>.AlternateLookup<ReadOnlySpan<byte>> seen = _seen.GetAlternateLookup<ReadOnlySpan<byte>>();
        seen[path] = seen.TryGetValue(path, out Aspects known) ? known | aspects : aspects;
    }
}
