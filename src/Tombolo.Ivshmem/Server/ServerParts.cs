// SPDX-License-Identifier: MIT
using System.Globalization;
using Microsoft.Extensions.Logging;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Ivshmem;

/// <summary>Everything a server holds: made anew, or taken over from a keeper. What it holds, the keeper holds too.</summary>
internal sealed class ServerParts : IDisposable
{
    private readonly DoorbellServerOptions _options;
    private readonly FileLock _lock;
    private readonly Lock _keeping = new();   // guards Keeper's changes and _beside: an owner has things kept from any thread
    private readonly Dictionary<string, SafeFd> _beside = [];

    private ServerParts(DoorbellServerOptions options, FileLock held, KeeperLink? keeper) => (_options, _lock, Keeper) = (options, held, keeper);

    public SafeFd Listener { get; private set; } = null!;
    public MemoryClaim Memory { get; private set; } = null!;
    public Window Window { get; private set; } = null!;
    public Ledger Ledger { get; private set; } = null!;
    public Membership Membership { get; private set; } = null!;
    public SafeFd? PipeReader { get; private set; }
    public SafeFd? PipeWriter { get; private set; }
    public KeeperLink? Keeper { get; private set; }

    /// <summary>What was found of a server that died, or null.</summary>
    public Recovery? Found { get; private set; }

    private const string BesidePrefix = "beside-";   // no dot inside: not a row's

    public static string ConnectionName(int row) => string.Create(CultureInfo.InvariantCulture, $"conn.{row}");

    public static string EventsName(int row) => string.Create(CultureInfo.InvariantCulture, $"ev.{row}");

    /// <summary>Makes or takes over everything.</summary>
    /// <exception cref="IvshmemException">A living server is there already, the configuration cannot fit, or what the keeper holds is of another configuration.</exception>
    /// <exception cref="LinuxException">The kernel refused. Nothing is left behind.</exception>
    public static ServerParts Open(DoorbellServerOptions options, ILogger log)
    {
        int peers = DescriptorBudget.SettlePeers(options, DescriptorBudget.Limit());
        FileLock held = FileLock.TryTake(options.SocketPath + ".lock", out int owner) ?? throw SocketClaim.Alive(options.SocketPath, owner);
        ServerParts? parts = null;
        Dictionary<string, List<SafeFd>> kept = [];
        try
        {
            KeeperLink? keeper = options.KeeperCommand.Count == 0 ? null : KeeperLink.TryConnect(options.KeeperPath) ?? KeeperLink.Launch(options.KeeperCommand, options.KeeperPath);
            parts = new(options, held, keeper);
            kept = keeper?.TakeAll() ?? [];
            if (kept.ContainsKey("ledger")) parts.TakeOver(kept, peers, log);
            else parts.MakeAnew(peers, log);
            return parts;
        }
        catch
        {
            if (parts is null) held.Dispose();
            else parts.Release();
            foreach (SafeFd fd in kept.Values.SelectMany(fds => fds)) fd.Dispose();
            throw;
        }
    }

    /// <summary>Has the keeper hold descriptors, if there is a keeper.</summary>
    public void Keep(string name, params ReadOnlySpan<SafeFd> fds)
    {
        lock (_keeping) Keeper?.Store(name, fds);
    }

    /// <summary>Has the keeper let go.</summary>
    public void Forget(string name, int count = 1)
    {
        lock (_keeping) Keeper?.Remove(name, count);
    }

    /// <summary>Has a descriptor of the server's owner kept, too; from any thread.</summary>
    public void KeepBeside(string name, SafeFd fd)
    {
        lock (_keeping)
        {
            if (_beside.TryGetValue(name, out SafeFd? old) && old != fd) old.Dispose();
            _beside[name] = fd;
            Keeper?.Store(BesidePrefix + name, fd);
        }
    }

    /// <summary>What is kept of the owner's, or null.</summary>
    public SafeFd? Beside(string name)
    {
        lock (_keeping) return _beside.GetValueOrDefault(name);
    }

    /// <summary>Names of what is kept of the owner's.</summary>
    public IReadOnlyList<string> BesideNames()
    {
        lock (_keeping) return [.. _beside.Keys];
    }

    /// <summary>Keeps a descriptor of the owner's no longer; from any thread.</summary>
    public void ForgetBeside(string name)
    {
        lock (_keeping)
        {
            if (!_beside.Remove(name)) return;
            Keeper?.Remove(BesidePrefix + name, 1);
        }
    }

    /// <summary>Gives up a keeper that is gone.</summary>
    public void DropKeeper()
    {
        lock (_keeping)
        {
            Keeper?.Dispose();
            Keeper = null;
        }
    }

    /// <summary>Entrusts everything to a new keeper.</summary>
    public void UseKeeper(KeeperLink keeper)
    {
        lock (_keeping) EntrustAll(keeper);
    }

    private void EntrustAll(KeeperLink keeper)
    {
        Keeper = keeper;
        Keep("memory", Memory.Descriptor);
        Keep("listener", Listener);
        if (PipeReader is not null && PipeWriter is not null) Keep("pipe", PipeReader, PipeWriter);
        foreach (Member member in Membership.Present)
        {
            Keep(EventsName(member.Slot), member.Events);
            if (member.Session is { } session) Keep(ConnectionName(member.Slot), session.Socket);
        }
        foreach ((string name, SafeFd fd) in _beside) Keep(BesidePrefix + name, fd);
        Keep("ledger", Ledger.Descriptor);   // last: without it, nothing is taken over
    }

    /// <summary>Tries to find out whether an undecided message reached its client, and writes down the answer.</summary>
    /// <returns>False while the client has not read everything that was sent.</returns>
    public bool TrySettle(Session session)
    {
        int client = session.Member.Slot;
        if (Ledger.Mark(client) is { } mark)
        {
            if (UnixSocket.UnreadByPeer(session.Socket) != 0) return false;
            if (WasReceived(session, mark)) Courier.Record(Ledger, mark.Kind, client, mark.Member, mark.Index);
            Ledger.End(client);
        }
        session.IsUnsettled = false;
        return true;
    }

    /// <summary>An orderly end: nothing is left behind, and the keeper ends too.</summary>
    public void Dispose()
    {
        Keeper?.Quit();
        File.Delete(_options.SocketPath);
        Release();
        Memory.Dispose();
    }

    private void Release()
    {
        Keeper?.Dispose();
        Window?.Dispose();
        Ledger?.Dispose();
        Listener?.Dispose();
        foreach (SafeFd fd in _beside.Values) fd.Dispose();
        PipeReader?.Dispose();
        PipeWriter?.Dispose();
        _lock.Dispose();
    }

    private bool WasReceived(Session session, Undecided mark)
    {
        if (mark.Kind == NoticeKind.Memory) return Evidence.HasMemory(session.Who.ProcessId, Memory.Descriptor);
        if (mark.Kind != NoticeKind.Join || session.UndecidedEventFd is not { } wanted) return true;
        IEnumerable<SafeFd> known = Membership.Present.SelectMany(member => member.Events.Take(Ledger.Told(session.Member.Slot, member.Slot)));
        return Evidence.HasEventFd(session.Who.ProcessId, wanted, Memory.Descriptor, known);
    }

    private void MakeAnew(int peers, ILogger log)
    {
        if (SocketClaim.Clear(_options.SocketPath)) Log.StaleSocket(log, _options.SocketPath);
        Memory = MemoryClaim.Create(_options);
        try
        {
            Window = Window.Map(Memory.Descriptor);
            bool isSticky = _options.Ids == IdPolicy.Sticky;
            Ledger = Ledger.Create(isSticky ? peers + 1 : (2 * peers) + 1, Print(_options));   // those who left keep a row until all were told
            Membership = new(_options, Ledger, peers);
            if (Keeper is not null) (PipeReader, PipeWriter) = Pipe.Create();
            if (_options.ResidentId is { } own) Establish(0, own);
            for (int row = 1; isSticky && row <= peers; row++) Establish(row, _options.FirstId + row - 1);
            Listener = UnixSocket.Listen(_options.SocketPath, UnixSocketKind.Stream, _options.SocketMode, _options.SocketGroup);
            if (Keeper is not null) UseKeeper(Keeper);
        }
        catch
        {
            Memory.Dispose();
            throw;
        }
        Log.Serving(log, _options.SocketPath, _options.SizeBytes, _options.Vectors, peers);
    }

    private void Establish(int row, int id)
    {
        var member = new Member(row, new((ushort)id), Membership.CreateEvents(_options.VectorsFor(id)));
        Membership.Install(member);
        Ledger.Write(row, member.Id, member.Events.Length, default, 0);
    }

    private void TakeOver(Dictionary<string, List<SafeFd>> kept, int peers, ILogger log)
    {
        Ledger = Ledger.TryOpen(kept["ledger"][0], Print(_options), out string fault)
            ?? throw new IvshmemException($"The keeper at '{_options.KeeperPath}' holds a fabric that cannot be taken over: {fault}. Start with the options that it had, or end the keeper to begin anew.");
        Memory = MemoryClaim.Adopt(Needed(kept, "memory", 1)[0], _options);
        Window = Window.Map(Memory.Descriptor);
        Listener = Needed(kept, "listener", 1)[0];
        List<SafeFd> pipe = Needed(kept, "pipe", 2);
        (PipeReader, PipeWriter) = (pipe[0], pipe[1]);
        Membership = new(_options, Ledger, Math.Min(peers, Ledger.RowCount - 1));
        foreach ((string name, List<SafeFd> fds) in kept)
            if (name.StartsWith(BesidePrefix, StringComparison.Ordinal) && fds.Count == 1) _beside[name[BesidePrefix.Length..]] = fds[0];
        Found = new(Ledger, Membership, PipeReader);
        Found.Restore(kept);
        if (!Path.Exists(_options.SocketPath))   // somebody removed the file: newcomers would not find the old socket
        {
            Listener.Dispose();
            Listener = UnixSocket.Listen(_options.SocketPath, UnixSocketKind.Stream, _options.SocketMode, _options.SocketGroup);
            Keep("listener", Listener);
        }
        Log.TookOver(log, Membership.Sessions.Count, Found.Summary);
    }

    private List<SafeFd> Needed(Dictionary<string, List<SafeFd>> kept, string name, int count) =>
        kept.TryGetValue(name, out List<SafeFd>? fds) && fds.Count == count ? fds
            : throw new IvshmemException($"The keeper at '{_options.KeeperPath}' holds a fabric that cannot be taken over: its {name} is missing. End the keeper to begin anew.");

    // FNV-1a over what a successor must agree on.
    private static ulong Print(DoorbellServerOptions options)
    {
        string text = string.Create(CultureInfo.InvariantCulture,
            $"{options.SizeBytes}|{options.Vectors}|{string.Join(',', options.VectorsOf.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key}:{pair.Value}"))}|{options.Ids}|{options.FirstId}-{options.LastId}|{options.MaxPeers}|{options.ResidentId}|{options.Contents}");
        ulong print = 14695981039346656037;
        foreach (char letter in text) print = (print ^ letter) * 1099511628211;
        return print;
    }
}
