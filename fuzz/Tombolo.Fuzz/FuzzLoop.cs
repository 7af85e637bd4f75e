// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace Tombolo.Fuzz;

/// <summary>Runs one target for a while, keeps what leads to something new, and saves what breaks it.</summary>
/// <param name="target">What to run.</param>
/// <param name="seed">What all choices follow from.</param>
/// <param name="findings">Folder that receives inputs that break it.</param>
internal sealed class FuzzLoop(IFuzzTarget target, int seed, string findings)
{
    private const int MostOfOneOutcome = 8;
    private static readonly TimeSpan _hang = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, int> _outcomes = new(StringComparer.Ordinal);
    private readonly List<byte[]> _pool = [];
    private byte[] _current = [];
    private long _startedAt;

    /// <summary>Runs the corpus, then changed inputs until the time is over.</summary>
    /// <param name="corpus">What is known already.</param>
    /// <param name="time">How long.</param>
    /// <param name="isNew">Called with each input that led to an outcome not seen before.</param>
    /// <returns>False where something broke; it is saved.</returns>
    public bool Run(IEnumerable<byte[]> corpus, TimeSpan time, Action<byte[]> isNew)
    {
        long start = Stopwatch.GetTimestamp();
        using var watch = new Timer(_ => CheckHang(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        long runs = 0;
        foreach (byte[] input in target.Seeds().Concat(corpus))
        {
            runs++;
            if (!TryRun(input, out _)) return false;
            _pool.Add(input);
        }
        if (_pool.Count == 0) _pool.Add([]);
        var mutator = new Mutator(seed, target.Words);
        while (Stopwatch.GetElapsedTime(start) < time)
        {
            runs++;
            byte[] input = mutator.Next(_pool);
            if (!TryRun(input, out int times)) return false;
            if (times == 1) isNew(input);
            if (times <= MostOfOneOutcome) _pool.Add(input);
        }
        Volatile.Write(ref _startedAt, 0);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{target.Name}: {runs} inputs in {Stopwatch.GetElapsedTime(start).TotalSeconds:0} s, {_outcomes.Count} outcomes, nothing broke (seed {seed})"));
        return true;
    }

    // times: how often its outcome was seen, this time included.
    private bool TryRun(byte[] input, out int times)
    {
        _current = input;
        Volatile.Write(ref _startedAt, Stopwatch.GetTimestamp());
        try
        {
            string outcome = target.Run(input);
            times = _outcomes[outcome] = _outcomes.GetValueOrDefault(outcome) + 1;
            return true;
        }
        catch (Exception exception)
        {
            Console.WriteLine($"{target.Name}: BROKEN by {Save(input)} (seed {seed}):{Environment.NewLine}{exception}");
            times = 0;
            return false;
        }
    }

    private void CheckHang()
    {
        long started = Volatile.Read(ref _startedAt);
        if (started == 0 || Stopwatch.GetElapsedTime(started) < _hang) return;
        Console.WriteLine($"{target.Name}: HANGS on {Save(_current)} (seed {seed})");
        Environment.Exit(1);
    }

    private string Save(byte[] input)
    {
        string folder = Path.Combine(findings, target.Name);
        _ = Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, NameOf(input));
        File.WriteAllBytes(path, input);
        return path;
    }

    /// <summary>The name that an input has in a folder: the same bytes, the same name.</summary>
    public static string NameOf(byte[] input) => Convert.ToHexStringLower(SHA256.HashData(input))[..16];
}
