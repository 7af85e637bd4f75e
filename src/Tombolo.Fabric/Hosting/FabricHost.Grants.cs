// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Threading.Channels;
using Tombolo.Grants;
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.Fabric;

public sealed partial class FabricHost
{
    private GrantServer? _grants;
    private DomainNews? _domainNews;

    /// <summary>The running service for grants, or null.</summary>
    public GrantServer? Grants => Volatile.Read(ref _grants);

    private async Task StartGrantsAsync(GrantsDeclaration grants)
    {
        string socket = Paths.SocketOf(grants);
        try
        {
            if (Store is { } store) _domainNews = new(store, Paths.GrantDomains);
            GrantServer server = GrantServer.Start(Translation.ToGrants(grants, Declaration.Store, Paths, SnapshotWindows), _domainNews, _options.Log);
            bool isTooLate;
            lock (_gate) if (!(isTooLate = _isStopped)) _grants = server;
            if (isTooLate)
            {
                await server.DisposeAsync();
                throw new FabricException($"Fabric {Declaration.Name} was taken down while it came up.");
            }
            Say(FabricEventKind.GrantsUp, "grants", $"Grants are served at {socket}.");
            _watches.Add(WatchGrantsAsync(server));
            foreach (GrantWindowDeclaration window in grants.Windows) await StartWindowAsync(window);
        }
        catch (Exception exception) when (exception is not FabricException && exception is TomboloException or ArgumentException)
        {
            throw new FabricException($"Grants cannot be served: {exception.Message}", exception);
        }
    }

    private async Task StopGrantsAsync()
    {
        if (Grants is { } grants) await grants.DisposeAsync();
        if (_domainNews is { } news) await news.DisposeAsync();
        _domainNews = null;
        foreach (WindowHost window in _windows.Values) await window.DisposeAsync();
    }

    private async Task WatchGrantsAsync(GrantServer server)
    {
        await server.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Volatile.Write(ref _grants, null);
        string? fault = server.Completion.Exception?.InnerException?.Message;
        Say(fault is null ? FabricEventKind.GrantsDown : FabricEventKind.GrantsFailed, "grants", $"Grants are no longer served.{(fault is null ? "" : $" They broke: {fault}")}");
    }

    private async Task<GrantsStatus> DescribeAsync(GrantsDeclaration grants)
    {
        var status = FabricState.Describe(grants, Paths) with { Windows = [.. grants.Windows.Select(Describe)] };
        if (Grants is not { } server) return status;
        GrantSnapshot now;
        try { now = await server.SnapshotAsync(); }
        catch (ObjectDisposedException) { return status; }   // it went down in this moment
        return status with { IsUp = true, Domains = [.. now.Domains.Select(domain => (int)domain.Value)], Grants = now.Grants.Count, Pages = now.Grants.Sum(grant => grant.Pages), Ports = now.Ports.Count };
    }

    /// <summary>Tells the store which domains there are, one after the other, and keeps a file of those it told of, for the next daemon: who died while none ran is released then.</summary>
    private sealed class DomainNews : IGrantObserver, IAsyncDisposable
    {
        private readonly StoreServer _store;
        private readonly string _file;
        private readonly HashSet<DomainId> _known;
        private readonly Channel<Func<Task>> _work = Channel.CreateUnbounded<Func<Task>>(new() { SingleReader = true });
        private readonly Task _working;

        public DomainNews(StoreServer store, string file)
        {
            (_store, _file) = (store, file);
            _known = File.Exists(file) ? [.. File.ReadLines(file).Select(line => ushort.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out ushort id) ? id : (ushort)0).Where(id => id is > 0 and <= DomainId.Highest).Select(id => new DomainId(id))] : [];
            _working = WorkAsync();
        }

        public void DomainCame(DomainId domain) => Post(domain, async () =>
        {
            if (_known.Add(domain)) Write();
            await _store.IntroduceAsync(domain);
        });

        public void DomainWent(DomainId domain) => Post(domain, () => ReleaseAsync(domain));

        public void Settled(IReadOnlyList<DomainId> present) => _work.Writer.TryWrite(async () =>
        {
            foreach (DomainId gone in _known.Except(present).ToArray()) await ReleaseAsync(gone);
        });

        public async ValueTask DisposeAsync()
        {
            _ = _work.Writer.TryComplete();
            await _working;
            File.Delete(_file);
        }

        // Domain 0 is always there.
        private void Post(DomainId domain, Func<Task> work)
        {
            if (domain != DomainId.Privileged) _ = _work.Writer.TryWrite(work);
        }

        private async Task ReleaseAsync(DomainId domain)
        {
            _ = await _store.ReleaseAsync(domain);
            if (_known.Remove(domain)) Write();
        }

        private void Write() => File.WriteAllLines(_file, _known.Select(domain => domain.ToString()));

        private async Task WorkAsync()
        {
            await foreach (Func<Task> work in _work.Reader.ReadAllAsync())
            {
                try { await work(); }
                catch (Exception exception) when (exception is StoreException or ObjectDisposedException or IOException) { }   // the store says itself what is wrong with it
            }
        }
    }
}
