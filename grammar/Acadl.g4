// The grammar of .acadl files. The reference that explains it is docs/language.md.
//
// Words that name ACADL's classes, attributes, units of measurement, element types, events and port
// kinds are ordinary names here and get their meaning in the checker, so that a misspelt one is
// answered with "did you mean", not with a syntax error.
//
// Line breaks mean nothing, and no statement ends in a semicolon. Two tokens of look-ahead are
// enough nevertheless, because a pass over the tokens (frontend/acadl/Parser.cpp) marks
//   * the name behind a number that is its unit (UNIT): not if '=', ':', an arrow or the like
//     follows, for then it starts the next attribute or statement;
//   * '[' and '(' behind a name, ']' or ')', which index and call (INDEX_OPEN, CALL_OPEN).
// Keep it so: look-ahead without bound is what makes errors vague and deep nesting dangerous.
grammar Acadl;

tokens { UNIT, INDEX_OPEN, CALL_OPEN }

file: declarations+=declaration* EOF;

declaration
  : importDeclaration
  | enumDeclaration
  | constantDeclaration
  | functionDeclaration
  | instructionDeclaration
  | templateDeclaration
  | architectureDeclaration
  | mappingDeclaration
  | programDeclaration
  | preferDeclaration
  | experimentDeclaration
  | scalarDeclaration
  ;

importDeclaration: IMPORT path=STRING (AS alias=NAME)?;
enumDeclaration
  : ENUM name=NAME LBRACE (enumerators+=NAME (COMMA enumerators+=NAME)* COMMA?)? RBRACE;
constantDeclaration: CONST name=NAME (COLON typeRef=type)? ASSIGN value=expression;

// function f(x: int, y: int = 2): int = x + y      or      function f(x: int) { let … return … }
functionDeclaration
  : FUNCTION name=NAME parameters=parameterList (COLON result=type)?
    (ASSIGN value=expression | body=functionBlock);
functionBlock: LBRACE statements+=functionStatement* RBRACE;
functionStatement
  : letStatement
  | assignStatement
  | functionFor
  | functionIf
  | returnStatement
  | requireStatement
  ;
assignStatement: name=NAME ASSIGN value=expression;
returnStatement: RETURN value=expression;
functionFor: FOR header=loopHeaders body=functionBlock;
functionIf
  : IF conditions+=expression blocks+=functionBlock
    (ELSE IF conditions+=expression blocks+=functionBlock)* (ELSE otherwise=functionBlock)?;

parameterList
  : (CALL_OPEN | LPAREN) (parameters+=parameter (COMMA parameters+=parameter)* COMMA?)? RPAREN;
parameter: name=NAME COLON typeRef=type (ASSIGN value=expression)?;
// int, real, bool, string, cycles, bits, bytes, words, Hz, seconds, an enum's name, list<int>,
// table<int>
type: name=qualifiedName (LT element=NAME GT)?;
qualifiedName: parts+=NAME (DOT parts+=NAME)*;

requireStatement: REQUIRE condition=expression (COMMA message=STRING)?;
letStatement: LET bindings+=binding (COMMA bindings+=binding)*;
binding: name=NAME (COLON typeRef=type)? ASSIGN value=expression;
loopHeaders: loops+=loopHeader (COMMA loops+=loopHeader)*;
loopHeader: name=NAME IN iterated=expression (STEP stepWidth=expression)?;

// ---- instructions -------------------------------------------------------------------------------
instructionDeclaration
  : INSTRUCTION name=NAME (CALL_OPEN | LPAREN)
    (operands+=operand (COMMA operands+=operand)* COMMA?)? RPAREN instructionBody?;
// dst: out reg      src: in mem      rows: int
operand: name=NAME COLON direction=(IN | OUT | INOUT)? typeRef=type (ASSIGN value=expression)?;
instructionBody: LBRACE items+=instructionItem* RBRACE;
instructionItem
  : attribute COMMA?
  | instructionPhase
  | instructionExpansion
  | requireStatement
  ;
// A phase without an object is a delay, or emits instructions.
instructionPhase
  : PHASE name=NAME (place=(ON | OVER) object=expression)? clauses+=phaseClause*
    expansion=instructionExpansion?;
phaseClause
  : FOR duration=expression                     // how long the object is occupied
  | AFTER after=NAME                            // starts behind another phase or event
  | AFTER step=STEP (PLUS distance=expression)? // behind the step of its unit, or a later one
  | HOLDING held=expression UNTIL until=NAME
  | SIGNALS signal=NAME                         // the event that its end is
  | TOGETHER                                    // in lock step with others of its step
  ;
instructionExpansion
  : EXPANDS ((CALL_OPEN | LPAREN) limits+=namedArgument (COMMA limits+=namedArgument)* RPAREN)?
    body=block;

// ---- architecture -------------------------------------------------------------------------------
templateDeclaration: TEMPLATE name=NAME parameters=parameterList? body=structureBlock;
architectureDeclaration: ARCHITECTURE name=NAME parameters=parameterList? body=structureBlock;
structureBlock: LBRACE items+=structureItem* RBRACE;
structureItem
  : portDeclaration
  | objectOrEdge
  | structureFor
  | structureIf
  | letStatement
  | requireStatement
  | clockStatement
  | routeDeclaration
  | instructionDeclaration
  | functionDeclaration
  ;
portDeclaration
  : PORT declarators+=declarator (COMMA declarators+=declarator)* COLON edge=NAME
    direction=(IN | OUT);
declarator: name=NAME bounds+=arrayBound*;
arrayBound: INDEX_OPEN size=expression RBRACKET;
// pe[rows][columns]: ProcessingElement(…)      an object; its name is read as an edge's end first
// a -> b -> c  instructions flow (FORWARD);  a => b => c  data flows (READ_DATA, WRITE_DATA)
objectOrEdge
  : ends+=edgeEnd
    ( (arrows+=(ARROW | FAT_ARROW) ends+=edgeEnd)+
    | (COMMA declarators+=declarator)* COLON objectType=qualifiedName
      arguments=argumentList? attributes=attributeBlock? contents=containsBlock?
      hazards=hazardsBlock?
    );
edgeEnd: (name=NAME | list=listOrComprehension) postfixes+=postfix*;
argumentList: CALL_OPEN (arguments+=argument (COMMA arguments+=argument)* COMMA?)? RPAREN;
argument: (name=NAME ASSIGN)? value=expression;
namedArgument: name=NAME ASSIGN value=expression;
attributeBlock: LBRACE ((attributes+=attribute | steps+=unitStep) COMMA?)* RBRACE;
attribute: name=NAME ASSIGN value=expression;
// step [compute, preload] before [compute]: what a unit takes at once, if that stands behind it
unitStep: STEP taken=operationList (BEFORE behind=operationList)?;
operationList
  : LBRACKET operations+=qualifiedName (COMMA operations+=qualifiedName)* COMMA? RBRACKET;
containsBlock: CONTAINS body=structureBlock;
hazardsBlock: HAZARDS LBRACE hazards+=hazard* RBRACE;
// ld waits for ex, st completed where overlapping
hazard
  : waiting=NAME WAITS FOR awaited+=NAME (COMMA awaited+=NAME)* event=NAME (WHERE where=NAME)?;
structureFor: FOR header=loopHeaders body=structureBlock;
structureIf
  : IF conditions+=expression blocks+=structureBlock
    (ELSE IF conditions+=expression blocks+=structureBlock)* (ELSE otherwise=structureBlock)?;
clockStatement: CLOCK frequency=expression;
routeDeclaration: ROUTE name=NAME parameters=parameterList ASSIGN channels=expression;

// ---- mappings and programs ----------------------------------------------------------------------
mappingDeclaration
  : MAPPING name=NAME indices=indexList coefficients=coefficientList?
    ON architectureName=NAME COLON architecture=qualifiedName
    IMPLEMENTS formula=computation zeroOutside? epilogue? acceptsClause? guardClause?
    body=block;
// [n < N, k < K; c < C]: output indices, then, behind the semicolon, the reduced ones
indexList
  : INDEX_OPEN outputs+=index (COMMA outputs+=index)*
    (SEMICOLON reductions+=index (COMMA reductions+=index)*)? RBRACKET;
index: name=NAME LT extent=NAME;
coefficientList: CALL_OPEN (names+=NAME (COMMA names+=NAME)* COMMA?)? RPAREN;
// C[m, n] += …      O[k] max= …, where 'max' is a name that stands alone
computation
  : result=tensorAccess (assign=ASSIGN | assign=PLUS_ASSIGN | reduction=NAME assign=ASSIGN)
    value=expression;
tensorAccess: tensor=NAME INDEX_OPEN indices+=expression (COMMA indices+=expression)* RBRACKET;
zeroOutside: ZERO OUTSIDE tensors+=NAME (COMMA tensors+=NAME)*;
// then optional + bias[k], relu
epilogue: THEN steps+=epilogueStep (COMMA steps+=epilogueStep)*;
epilogueStep
  : isOptional=OPTIONAL?
    (op=(PLUS | MINUS | STAR | SLASH) tensor=tensorAccess | function=NAME arguments=argumentList?);
// where R <= 16: what must hold for the mapping to be used
guardClause: WHERE condition=expression;
acceptsClause: ACCEPTS elements+=acceptedElement (COMMA elements+=acceptedElement)*;
acceptedElement: element=NAME (AS as=NAME)?;

programDeclaration
  : PROGRAM name=NAME parameters=parameterList? ON architectureName=NAME
    COLON architecture=qualifiedName body=block;
preferDeclaration: PREFER name=NAME OVER others+=NAME (COMMA others+=NAME)*;

// How rows of measurements are read: what acadlc --validate FILE.csv --experiment NAME takes. Names in
// its expressions are columns of the file.
experimentDeclaration
  : EXPERIMENT name=NAME FOR kind=(MAPPING | PROGRAM) target=qualifiedName
    LBRACE items+=experimentItem* RBRACE;
// bind = { rows: array_rows }      measured = total_cycles + 1      where dataflow == os
experimentItem
  : attribute COMMA?
  | guardClause
  ;

// What the scalar code is made of that runs operators without a mapping.
scalarDeclaration
  : SCALAR ON architectureName=NAME COLON architecture=qualifiedName
    LBRACE items+=scalarItem* RBRACE;
// memory = arch.memory      add(d, a, b) { emit add(d, a, b) }
scalarItem
  : letStatement
  | attribute COMMA?
  | scalarOperation
  ;
scalarOperation
  : name=NAME (CALL_OPEN | LPAREN) (parameters+=NAME (COMMA parameters+=NAME)* COMMA?)? RPAREN
    body=block;

block: LBRACE statements+=statement* RBRACE;
statement
  : paramStatement
  | letStatement
  | requireStatement
  | forStatement
  | ifStatement
  | placeStatement
  | bufferStatement
  | emitStatement
  | viaStatement
  ;
paramStatement: PARAM parameter;
forStatement: FOR header=loopHeaders body=block;
ifStatement
  : IF conditions+=expression blocks+=block
    (ELSE IF conditions+=expression blocks+=block)* (ELSE otherwise=block)?;
placeStatement
  : PLACE tensors+=NAME (COMMA tensors+=NAME)* IN storage=expression clauses+=placeClause*;
placeClause: WITH BORDER | AT address=expression;
bufferStatement
  : BUFFER name=NAME INDEX_OPEN shape+=expression (COMMA shape+=expression)* RBRACKET
    COLON elementType=NAME IN storage=expression;
// emit mac(acc, a, b) on arch.unit over arch.stage
emitStatement
  : EMIT instruction=NAME arguments=argumentList (ON unit=expression)? (OVER stages=expression)?;
viaStatement
  : VIA mapping=NAME INDEX_OPEN extents+=namedArgument (COMMA extents+=namedArgument)* RBRACKET
    arguments=argumentList? LBRACE views+=view* RBRACE;
// A[m, k] = W[m, k / T, k % T]
view
  : tensor=NAME INDEX_OPEN indices+=NAME (COMMA indices+=NAME)* RBRACKET ASSIGN
    source=tensorAccess;

// ---- expressions --------------------------------------------------------------------------------
// Three rules, not one, so that `not` and `if` cannot stand behind an operator that binds tighter:
// where their operand would end could be told only by reading all of it.
expression
  : IF condition=expression THEN thenValue=expression ELSE elseValue=expression
  | value=logic
  ;
logic
  : nots+=NOT* value=arithmetic
  | left=logic op=AND right=logic
  | left=logic op=OR right=logic
  ;
arithmetic
  : value=operandExpression
  | left=arithmetic op=(STAR | SLASH | PERCENT) right=arithmetic
  | left=arithmetic op=(PLUS | MINUS) right=arithmetic
  | left=arithmetic op=DOTDOT right=arithmetic
  | left=arithmetic op=(LT | LE | GT | GE | EQ | NE) right=arithmetic
  ;
operandExpression: minuses+=MINUS* value=primary postfixes+=postfix*;
postfix
  : DOT member=NAME
  | INDEX_OPEN indices+=expression (COMMA indices+=expression)* RBRACKET
  | arguments=argumentList
  ;
primary
  : number=NUMBER unit=UNIT?
  | text=STRING
  | truth=(TRUE | FALSE)
  | name=NAME
  | LPAREN inner=expression RPAREN
  | list=listOrComprehension
  | LBRACE (entries+=tableEntry (COMMA entries+=tableEntry)* COMMA?)? RBRACE
  ;
listOrComprehension
  : LBRACKET
    ( FOR header=loopHeaders COLON value=expression
    | (elements+=expression (COMMA elements+=expression)* COMMA?)?
    ) RBRACKET;
tableEntry: key=(NAME | STRING | NUMBER) COLON value=expression;

// ---- tokens -------------------------------------------------------------------------------------
IMPORT: 'import'; AS: 'as'; ENUM: 'enum'; CONST: 'const'; FUNCTION: 'function'; LET: 'let';
FOR: 'for'; IF: 'if'; ELSE: 'else'; THEN: 'then'; RETURN: 'return'; REQUIRE: 'require';
INSTRUCTION: 'instruction'; IN: 'in'; OUT: 'out'; INOUT: 'inout'; PHASE: 'phase'; ON: 'on';
OVER: 'over'; AFTER: 'after'; HOLDING: 'holding'; UNTIL: 'until'; SIGNALS: 'signals';
TOGETHER: 'together'; BEFORE: 'before';
EXPANDS: 'expands'; TEMPLATE: 'template'; ARCHITECTURE: 'architecture'; PORT: 'port';
CONTAINS: 'contains'; HAZARDS: 'hazards'; WAITS: 'waits'; WHERE: 'where'; CLOCK: 'clock';
ROUTE: 'route'; STEP: 'step'; MAPPING: 'mapping'; IMPLEMENTS: 'implements'; ZERO: 'zero';
OUTSIDE: 'outside'; OPTIONAL: 'optional'; ACCEPTS: 'accepts'; PROGRAM: 'program';
PREFER: 'prefer'; EXPERIMENT: 'experiment'; SCALAR: 'scalar'; PARAM: 'param'; PLACE: 'place'; BUFFER: 'buffer';
EMIT: 'emit'; VIA: 'via'; WITH: 'with'; BORDER: 'border'; AT: 'at'; TRUE: 'true'; FALSE: 'false'; AND: 'and'; OR: 'or';
NOT: 'not';

ARROW: '->'; FAT_ARROW: '=>'; DOTDOT: '..'; PLUS_ASSIGN: '+=';
EQ: '=='; NE: '!='; LE: '<='; GE: '>='; LT: '<'; GT: '>'; ASSIGN: '=';
PLUS: '+'; MINUS: '-'; STAR: '*'; SLASH: '/'; PERCENT: '%';
LPAREN: '('; RPAREN: ')'; LBRACKET: '['; RBRACKET: ']'; LBRACE: '{'; RBRACE: '}';
COMMA: ','; SEMICOLON: ';'; COLON: ':'; DOT: '.';

NUMBER: '0x' [0-9a-fA-F_]* | [0-9] [0-9_]* ('.' [0-9] [0-9_]*)? ([eE] [+-]? [0-9]+)?;
STRING: '"' (~["\\\r\n] | '\\' ~[\r\n])* '"';
NAME: [a-zA-Z_] [a-zA-Z_0-9]*;

FILE_COMMENT: '//!' ~[\r\n]* -> channel(HIDDEN);
DOC_COMMENT: '///' ~[\r\n]* -> channel(HIDDEN);
LINE_COMMENT: '//' ~[\r\n]* -> channel(HIDDEN);
BLOCK_COMMENT: '/*' .*? '*/' -> channel(HIDDEN);
SPACE: [ \t\r\n\f]+ -> skip;
// Anything else, and texts without an end, become tokens so that the parser can say what it found.
UNTERMINATED_STRING: '"' (~["\\\r\n] | '\\' ~[\r\n])* '\\'?;
UNTERMINATED_COMMENT: '/*';
UNKNOWN: .;
