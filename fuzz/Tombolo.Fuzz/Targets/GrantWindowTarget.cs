// SPDX-License-Identifier: MIT
using Tombolo.Grants;
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Store;

namespace Tombolo.Fuzz.Targets;

/// <summary>A domain that writes anything anywhere into a window with grants, while an honest one and the host work in it.</summary>
internal sealed class GrantWindowTarget : IFuzzTarget
{
    private const int Honest = 1, Hostile = 2;
    private readonly GrantWindowShape _shape = new() { Domains = 3, Ports = 64, Entries = 64, Pages = 4 };
    private readonly Window _window, _farWindow;
    private readonly GrantWindow _words, _far;
    private readonly CopyDesk _desk = new();

    public GrantWindowTarget()
    {
        _window = LaidOut(_shape);
        _farWindow = LaidOut(_shape with { FirstDomain = 10 });
        _words = new(_window, GrantWindowShape.Read(_window));
        _far = new(_farWindow, GrantWindowShape.Read(_farWindow));
        _desk.Add(_words);
        _desk.Add(_far);
    }

    public string Name => "grant-window";

    public IReadOnlyList<byte[]> Words =>
    [
        BitConverter.GetBytes(new GrantEntry(GrantFlags.PermitAccess, _shape.DomainOf(Honest), _words.FirstFrame(Hostile)).Word),
        BitConverter.GetBytes(new GrantEntry(GrantFlags.PermitAccess | GrantFlags.Mapped, _shape.DomainOf(Hostile), _words.FirstFrame(Honest)).Word),
        BitConverter.GetBytes(new GrantEntry(GrantFlags.PermitAccess, _shape.DomainOf(Honest), uint.MaxValue).Word),
        BitConverter.GetBytes(PortWord.BoundTo(_shape.DomainOf(Honest), new(1)).Word),
        BitConverter.GetBytes(PortWord.BoundTo(_shape.DomainOf(Honest), new(uint.MaxValue)).Word),
        BitConverter.GetBytes(PortWord.UnboundFor(_shape.DomainOf(Honest)).Word),
        BitConverter.GetBytes(ulong.MaxValue),
        [1, 0, 0, 0, 100, 0, 1, 0, 8, 0, 0, 0, 0, 0, 12, 0],
    ];

    public IEnumerable<byte[]> Seeds() => [[1, 2, 3, 4, 5, 6, 7], [1, 1, 0, 2, 9, 1, 0, 1, 0, 3, 4], [6, 3, 5, 5, 4, 2, 7, 1], [8, 0, 1, 0, 0, 0, 100, 0, 1, 0, 8, 7]];

    public string Run(ReadOnlySpan<byte> input)
    {
        _words.Arrive(Honest);
        _words.Forget(Hostile);
        _far.Arrive(Honest);
        var script = new ByteScript(input);
        var life = new Life(new(_words, Honest), _words);
        for (int steps = 0; !script.IsAtEnd && steps < 300; steps++) Step(ref script, ref life);
        life.End();
        _words.Forget(Honest);
        _words.Forget(Hostile);
        return $"{Math.Min(life.Mapped, 2)} {Math.Min(life.Refused, 2)} {Math.Min(life.Bound, 1)} {Math.Min(life.Granted, 2)}";
    }

    public void Dispose()
    {
        _window.Dispose();
        _farWindow.Dispose();
    }

    private void Step(ref ByteScript script, ref Life life)
    {
        switch (script.Byte() % 9)
        {
            case 0:   // into the tables of either domain, or the hostile one's requests
                int place = 1 + (script.Byte() % 2);
                long at = _shape.AreaOf(place) + (script.Byte() % 3) switch { 0 => _shape.TableAt, 1 => _shape.WordsAt, _ => _shape.PendingAt };
                script.Bytes(8).CopyTo(_window.Own(at + (script.Byte() % 32 * 8), 8));
                break;
            case 1: life.Grant(_shape.DomainOf(Hostile)); break;
            case 2: life.Give(); break;
            case 3: life.Map(Hostile, new(script.Byte() % 70u), write: (script.Byte() & 1) != 0); break;
            case 4: life.Unmap(); break;
            case 5: life.Bind(Hostile, new(script.Byte() % 70u)); break;
            case 6: _ = _words.Notify(Honest, new(script.Byte() % 64u)); break;
            case 7:
                _desk.Serve(_words, static _ => { });
                break;
            default:
                script.Bytes(32).CopyTo(_window.Own(_shape.AreaOf(Hostile) + GrantWindowShape.CopiesAt + (script.Byte() % 16 * GrantWindowShape.CopyBytes), GrantWindowShape.CopyBytes));
                break;
        }
    }

    private static Window LaidOut(GrantWindowShape shape)
    {
        using SafeFd memory = Memfd.Create("grants", shape.WindowBytes);
        var window = Window.Map(memory);
        shape.LayOut(window);
        return window;
    }

    /// <summary>What the honest domain has, and what must hold of it.</summary>
    private struct Life(WindowTable table, GrantWindow words)
    {
        private readonly Queue<(int Page, GrantRef[] References)> _granted = [];
        private readonly Queue<(int Place, GrantRef Reference, bool Write)> _mapped = [];
        private readonly HashSet<int> _pages = [];
        private uint _nextPort = GrantWindowShape.FirstPort;

        public int Mapped { get; private set; }
        public int Refused { get; private set; }
        public int Bound { get; private set; }
        public int Granted { get; private set; }

        public void Grant(DomainId to)
        {
            try
            {
                (int page, GrantRef[] references) = table.Take(1);
                FuzzFinding.Require(_pages.Add(page), "A page is granted twice.");
                words.Offer(Honest, references[0], to, words.FirstFrame(Honest) + (uint)page, readOnly: false);
                _granted.Enqueue((page, references));
                Granted++;
            }
            catch (GrantException) { Refused++; }
        }

        public readonly void Give()
        {
            if (!_granted.TryDequeue(out (int Page, GrantRef[] References) given)) return;
            _ = _pages.Remove(given.Page);
            table.Give(given.Page, given.References);
        }

        public void Map(int place, GrantRef reference, bool write)
        {
            if (table.Map(place, reference, write, out uint frame) != ClaimResult.Taken)
            {
                Refused++;
                return;
            }
            FuzzFinding.Require(frame - words.FirstFrame(place) < (uint)words.Shape.Pages, "A page was mapped that is not its granter's.");
            _mapped.Enqueue((place, reference, write));
            Mapped++;
        }

        public readonly void Unmap()
        {
            if (_mapped.TryDequeue(out (int Place, GrantRef Reference, bool Write) mapped)) table.Unmap(mapped.Place, mapped.Reference, mapped.Write);
        }

        public void Bind(int place, EventPort remote)
        {
            EventPort port = new(_nextPort);
            _nextPort = (_nextPort % 63) + 1;
            if (words.TryBind(Honest, port, place, remote)) Bound++;
            else FuzzFinding.Require(words.Port(Honest, port) == default, "A port that could not be bound is not free.");
            if ((_nextPort & 3) == 0) words.Close(Honest, port);
        }

        public readonly void End()
        {
            while (_mapped.Count > 0) Unmap();
            while (_granted.Count > 0) Give();
        }
    }
}
