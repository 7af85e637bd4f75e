// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using System.Threading.Channels;
using Tombolo.Linux;
using Tombolo.Machines;
using Tombolo.Mailbox;
using Tombolo.Regions;

namespace Tombolo.Fabric;

/// <summary>Runs one declared fabric: brings it up, finds again what a killed owner left, takes it down.</summary>
/// <remarks>
/// Theory of operation. Whoever runs a fabric holds its lock; the lock dies with its holder, so a fabric whose owner was killed is simply taken over: mailboxes come back through their
/// keepers, machines are found by their records, and their network cards find the switches again. Up: first all mailboxes, regions and switches, then machines as soon as those named in <c>after</c> are ready. Down: machines, then mailboxes, regions and switches, then files.
/// What runs in the folder and is not declared any more is ended at the next up.
/// </remarks>
public sealed partial class FabricHost : IAsyncDisposable
{
    private const int EventsKept = 4096;

    private readonly FabricHostOptions _options;
    private readonly FileLock _lock;
    private readonly ProcessWatcher _watcher = new();
    private readonly Channel<FabricEvent> _events = Channel.CreateBounded<FabricEvent>(new BoundedChannelOptions(EventsKept) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly ConcurrentDictionary<string, MailboxFabric> _mailboxes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, RegionServer> _regions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Machine> _machines = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<int, string> _machineOfProcess = new();
    private readonly ConcurrentBag<Task> _watches = [];
    private readonly CancellationTokenSource _stopping = new();
    private Task<AccelChoice>? _acceleration;
    private MachineHost? _machineHost;
    private readonly Lock _gate = new();   // guards _isStopped: whatever starts something asks and starts under it
    private bool _isStopped;
    private bool _isDisposed;

    private FabricHost(FabricDeclaration declaration, FabricPaths paths, FabricHostOptions options, FileLock taken) =>
        (Declaration, Paths, _options, _lock) = (declaration, paths, options, taken);

    /// <summary>What is declared.</summary>
    public FabricDeclaration Declaration { get; }

    /// <summary>Where its files are.</summary>
    public FabricPaths Paths { get; }

    /// <summary>What happens; ends when the fabric is down. One reader; the oldest of more than 4096 unread events are dropped.</summary>
    public ChannelReader<FabricEvent> Events => _events.Reader;

    /// <summary>A running mailbox, or null.</summary>
    /// <param name="name">Its name.</param>
    public MailboxFabric? Mailbox(string name) => _mailboxes.GetValueOrDefault(name);

    /// <summary>Running regions, or null.</summary>
    /// <param name="name">Their name.</param>
    public RegionServer? Regions(string name) => _regions.GetValueOrDefault(name);

    /// <summary>A machine that was started or adopted, or null.</summary>
    /// <param name="name">Its name.</param>
    public Machine? Machine(string name) => _machines.GetValueOrDefault(name);

    /// <summary>Becomes the owner of a fabric; nothing is started yet.</summary>
    /// <param name="declaration">What is declared.</param>
    /// <param name="source">The declaration as it was written, for whoever must find the fabric again.</param>
    /// <param name="origin">The file it came from; relative paths in it begin in its folder.</param>
    /// <param name="options">How to run it.</param>
    /// <exception cref="FabricException">It is running already, or its folder cannot be used.</exception>
    public static FabricHost Open(FabricDeclaration declaration, ReadOnlySpan<byte> source, string origin, FabricHostOptions options)
    {
        var paths = new FabricPaths(options.Root, declaration.Name);
        FileLock taken = TakeLock(paths);
        try
        {
            File.WriteAllBytes(paths.Declaration, source);
            File.WriteAllText(paths.Origin, Path.GetFullPath(origin) + "\n");
            return new(declaration, paths, options, taken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            taken.Dispose();
            throw new FabricException($"The state folder {paths.Folder} cannot be written: {exception.Message}", exception);
        }
    }

    /// <summary>Ends everything that a killed owner left: machines, then mailboxes with their keepers, then files.</summary>
    /// <param name="name">The fabric.</param>
    /// <param name="options">How it was run.</param>
    /// <returns>What was ended, a sentence each; empty where nothing was left.</returns>
    /// <exception cref="FabricException">It is running: its owner must take it down.</exception>
    public static async Task<IReadOnlyList<string>> EndLeftoversAsync(string name, FabricHostOptions options)
    {
        var paths = new FabricPaths(options.Root, name);
        if (!Directory.Exists(paths.Folder)) return [];
        FabricDeclaration declaration = FabricState.RecordedDeclaration(paths) ?? new() { Name = name };
        await using var host = new FabricHost(declaration, paths, options, TakeLock(paths));
        List<string> ended = [];
        foreach ((string machine, int processId) in FabricState.RunningMachines(paths))
        {
            _ = await Machines.Machine.EndLeftoverAsync(paths.Machine(machine), host.WatchOnly());
            ended.Add($"Machine {machine} (pid {processId}) is ended.");
        }
        foreach (MailboxDeclaration mailbox in declaration.Mailboxes.Where(mailbox => Path.Exists(paths.SocketOf(mailbox) + FabricPaths.KeeperSuffix)))
        {
            await host.StartMailboxAsync(mailbox);   // takes over what the keeper holds; the stop then ends both
            ended.Add($"Mailbox {mailbox.Name} and its keeper are ended.");
        }
        if (declaration.Store is { } store && Path.Exists(paths.SocketOf(store) + FabricPaths.KeeperSuffix))
        {
            await host.StartStoreAsync(store);
            ended.Add("The store and its keeper are ended.");
        }
        if (declaration.Grants is { } grants)
        {
            foreach (GrantWindowDeclaration window in grants.Windows.Where(window => Path.Exists(paths.SocketOf(window) + FabricPaths.KeeperSuffix)))
            {
                await host.StartWindowAsync(window);
                ended.Add($"Window {window.Name} and its keeper are ended.");
            }
            if (Path.Exists(paths.SocketOf(grants)))
            {
                File.Delete(paths.SocketOf(grants));   // its daemon is dead, and it had no keeper
                File.Delete(paths.GrantDomains);
                ended.Add("What was left of the grants is removed.");
            }
        }
        foreach (RegionsDeclaration window in declaration.Regions.Where(window => Path.Exists(paths.QemuSocketOf(window) + FabricPaths.KeeperSuffix)))
        {
            await host.StartRegionsAsync(window);
            ended.Add($"Regions {window.Name} and their keeper are ended.");
        }
        await host.StopAsync();
        return ended;
    }

    /// <summary>Gives the fabric back: stops it, if that was not done, and lets the lock go.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        await StopAsync();
        LetGo();
    }

    /// <summary>Ends ownership without ending anything, as a kill would: machines go on, and so does what the keepers hold. For tests of the next owner.</summary>
    internal async Task AbandonMachinesAsync()
    {
        _isDisposed = true;
        await _stopping.CancelAsync();
        foreach (Machine machine in _machines.Values) await machine.DisposeAsync();
        foreach (MailboxFabric mailbox in _mailboxes.Values) await mailbox.DisposeAsync();
        await StopGrantsAsync();
        if (Store is { } store) await store.DisposeAsync();
        foreach (RegionServer window in _regions.Values) await window.DisposeAsync();
        foreach (HostedSwitch one in _switches.Values) await one.DisposeAsync();
        await Task.WhenAll(_watches);
        _events.Writer.Complete();
        LetGo();
    }

    private static FileLock TakeLock(FabricPaths paths)
    {
        try
        {
            _ = Directory.CreateDirectory(paths.Root);
            _ = Directory.CreateDirectory(paths.Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
            return FileLock.TryTake(paths.Lock, out int owner)
                ?? throw new FabricException($"Fabric {paths.Name} is running already (pid {owner}); 'tombolo ps' shows it, 'tombolo down' takes it down.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or LinuxException)
        {
            throw new FabricException($"The state folder {paths.Folder} cannot be used: {exception.Message.TrimEnd('.')}. Set {FabricPaths.RootVariable} to a folder that can be written.", exception);
        }
    }

    private void LetGo()
    {
        _watcher.Dispose();
        _lock.Dispose();
        _stopping.Dispose();
        try { Directory.Delete(Paths.Folder); }   // only if nothing is left in it
        catch (IOException) { }
    }

    private void Say(FabricEventKind kind, string subject, string sentence) => _ = _events.Writer.TryWrite(new(_options.Time.GetUtcNow(), kind, subject, sentence));
}
