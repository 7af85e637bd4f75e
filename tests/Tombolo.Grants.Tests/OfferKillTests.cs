// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;
using Tombolo.Store;

namespace Tombolo.Grants.Tests;

/// <summary>kill -9 of real processes anywhere in offer and accept: of the one that offers, and of the one that accepts. TOMBOLO_KILLS makes it more; each takes a process's start.</summary>
public sealed class OfferKillTests : IDisposable
{
    private const int Seed = 11;
    private static readonly DomainId _server = new(3), _client = new(4);
    private readonly TemporaryFolder _folder = new();
    private readonly TestGround _ground = new();
    private readonly List<int> _taken = [];
    private Child? _offering, _accepting;
    private int _confirmed;

    private static int Kills => int.TryParse(Environment.GetEnvironmentVariable("TOMBOLO_KILLS"), NumberStyles.None, CultureInfo.InvariantCulture, out int kills) ? kills : 36;

    private string StoreSocket => _folder["store"];

    public void Dispose()
    {
        _offering?.Dispose();
        _accepting?.Dispose();
        _ground.Dispose();
        _folder.Dispose();
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task EitherSide_KilledAnywhere_NoMessageIsLost_AndOnlyTheOneInHandComesAgain()
    {
        await using StoreServer store = StoreServer.Start(new() { SocketPath = StoreSocket });
        await using StoreClient keys = await StoreClient.ConnectAsync(StoreSocket);
        await new OfferKeys().MakeAsync(keys);
        var random = new Random(Seed);
        StartOffer();
        StartAccept();
        int kills = Kills, clientDeaths = 0;
        for (int kill = 0; kill < kills; kill++)
        {
            // At a process's start half of the time, for there most steps are; otherwise between messages.
            int after = _taken.Count + (random.Next(2) == 0 ? 0 : random.Next(1, 4));
            while (_taken.Count < after) Take();
            TimeSpan moment = TimeSpan.FromMicroseconds(random.Next(0, 4000));
            long start = TimeProvider.System.GetTimestamp();
            while (TimeProvider.System.GetElapsedTime(start) < moment) Thread.Yield();
            if (random.Next(2) == 0)
            {
                _offering!.Kill();
                for (string? line; (line = _offering.ReadLine()) is not null;) _confirmed = int.Parse(line, CultureInfo.InvariantCulture) + 1;
                _offering.Dispose();
                StartOffer();
            }
            else
            {
                _accepting!.Kill();
                for (string? line; (line = _accepting.ReadLine()) is not null;) _taken.Add(int.Parse(line, CultureInfo.InvariantCulture));
                _accepting.Dispose();
                StartAccept();
                clientDeaths++;
            }
        }
        for (int more = _taken.Count + 5; _taken.Count < more;) Take();   // the last pair goes on

        List<int> once = [];
        foreach (int message in _taken)
            if (once.Count == 0 || once[^1] != message) once.Add(message);
        once.ShouldBe(Enumerable.Range(0, once.Count));
        _taken.Count.ShouldBeLessThanOrEqualTo(once.Count + kills);
        (kills < 10 || clientDeaths > 0).ShouldBeTrue();
        GrantSnapshot now = await _ground.Server.SnapshotAsync();
        now.Grants.Count.ShouldBeLessThanOrEqualTo(1);   // the pair's own, and nothing of the dead
        now.Ports.Count.ShouldBeLessThanOrEqualTo(2);
        _offering!.Kill();
        _accepting!.Kill();
        using IDomain last = _ground.Join(new(9));   // its coming is heard after their going
        now = await _ground.Server.SnapshotAsync();
        (now.Domains.Count, now.Grants.Count, now.Ports.Count).ShouldBe((1, 0, 0));
    }

    /// <summary>Offers messages from a number on, and says each one's when it was taken.</summary>
    public static async Task<int> OfferAsync(string grants, string store, string from)
    {
        await using StoreClient client = await StoreClient.ConnectAsync(store);
        using IDomain domain = GrantClient.Connect(new() { SocketPath = grants, Domain = _server });
        Console.WriteLine("lives");
        await using GrantOffer offer = await GrantOffer.StartAsync(client, domain);
        for (int message = int.Parse(from, CultureInfo.InvariantCulture); ; message++)
        {
            await offer.SendAsync(Encoding.ASCII.GetBytes(Text(message)));
            Console.WriteLine(message);
        }
    }

    /// <summary>Takes messages, and says them.</summary>
    public static async Task<int> AcceptAsync(string grants, string store)
    {
        await using StoreClient client = await StoreClient.ConnectAsync(store);
        using IDomain domain = GrantClient.Connect(new() { SocketPath = grants, Domain = _client });
        Console.WriteLine("lives");
        await using GrantAccept accept = await GrantAccept.StartAsync(client, domain);
        await foreach (byte[] message in accept.ReceiveAllAsync()) Console.WriteLine(Number(Encoding.ASCII.GetString(message)));
        return 0;
    }

    private void Take()
    {
        string line = _accepting!.ReadLine() ?? throw new InvalidOperationException($"The accepting process ended by itself: {_accepting.Errors}; the offering one's errors: {_offering!.Errors}");
        _taken.Add(int.Parse(line, CultureInfo.InvariantCulture));
    }

    private void StartOffer()
    {
        _offering = Child.Of<OfferKillTests>("offer", _ground.Socket, StoreSocket, _confirmed.ToString(CultureInfo.InvariantCulture));
        _offering.ReadLine().ShouldBe("lives", _offering.Errors);
    }

    private void StartAccept()
    {
        _accepting = Child.Of<OfferKillTests>("accept", _ground.Socket, StoreSocket);
        string? line = _accepting.ReadLine();
        line.ShouldBe("lives", _accepting.Errors);
    }

    // Every byte of a message is known, and checked by who takes it; its length goes up to a page.
    private static string Text(int message) => string.Create(CultureInfo.InvariantCulture, $"{message} {new string('x', message * 37 % 4000)}");

    private static int Number(string text)
    {
        int message = int.Parse(text.Split(' ')[0], CultureInfo.InvariantCulture);
        text.ShouldBe(Text(message));
        return message;
    }
}
