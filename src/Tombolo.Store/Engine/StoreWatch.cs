// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

/// <summary>One registration: somebody wants to be told of changes at and below a path.</summary>
/// <param name="session">Whom to tell.</param>
/// <param name="path">Absolute, or a special path.</param>
/// <param name="token">Comes back with every event.</param>
/// <param name="homeBytes">How much is cut off the front of an event's path: the home and a slash, for a path that was given relative.</param>
internal sealed class StoreWatch(StoreSession session, byte[] path, byte[] token, int homeBytes)
{
    public StoreSession Session { get; } = session;
    public byte[] Path { get; } = path;
    public byte[] Token { get; } = token;
    public int HomeBytes { get; } = homeBytes;

    /// <summary>An event had no room: one for the watched path itself will be sent when there is.</summary>
    public bool IsOverdue { get; set; }

    public bool IsSame(ReadOnlySpan<byte> path, ReadOnlySpan<byte> token) => path.SequenceEqual(Path) && token.SequenceEqual(Token);
}

/// <summary>All watches by path, so that a change looks only at those on its way.</summary>
internal sealed class WatchIndex
{
    private readonly Dictionary<byte[], WatchIndex> _below = new(BytesComparer.Instance);
    private readonly List<StoreWatch> _watches = [];

    public IReadOnlyList<StoreWatch> Here => _watches;

    public bool IsEmpty => _watches.Count == 0 && _below.Count == 0;

    public WatchIndex? Below(ReadOnlySpan<byte> name) => _below.Count > 0 && _below.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out WatchIndex? index) ? index : null;

    public void Add(StoreWatch watch)
    {
        WatchIndex at = this;
        ReadOnlySpan<byte> rest = Rest(watch.Path);
        while (!rest.IsEmpty)
        {
            ReadOnlySpan<byte> part = StorePath.TakePart(ref rest);
            if (at.Below(part) is not { } next) at._below.Add(part.ToArray(), next = new());
            at = next;
        }
        at._watches.Add(watch);
    }

    public void Remove(StoreWatch watch) => Remove(watch, Rest(watch.Path));

    private void Remove(StoreWatch watch, ReadOnlySpan<byte> rest)
    {
        if (rest.IsEmpty)
        {
            _ = _watches.Remove(watch);
            return;
        }
        ReadOnlySpan<byte> part = StorePath.TakePart(ref rest);
        if (Below(part) is not { } next) return;
        next.Remove(watch, rest);
        if (next.IsEmpty) _ = _below.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(part);
    }

    // A special path is kept as one part that no real path has: '@' stands where the slash would.
    private static ReadOnlySpan<byte> Rest(ReadOnlySpan<byte> path) => path.Length == 1 ? default : path;
}
